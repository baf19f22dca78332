/** One slot of a simulated node: asks the Foreman for work, is busy for a while, says how it ended; or dies and says nothing. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type LeaseReportSchema, ReportRequestSchema } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import type { SimulatedTime } from './simulated-time.ts';

/** What of the Foreman a slot calls. */
export interface ForemanForNodes {
  lease(
    nodeId: string,
    ask: object,
  ): Promise<{ readonly order?: { leaseId: string; requestHash: string; attempt: number } | null }>;
  report(nodeId: string, reports: Uint8Array): Promise<unknown>;
}

export interface SimulatedSlot {
  readonly nodeId: string;
  readonly name: string;
  readonly slots: number;
  readonly imageBuilder: string;
  /** Changes when the node is killed: what began before is forgotten. */
  readonly life: () => number;
  readonly isOver: () => boolean;
  readonly buildMs: () => number;
  readonly began: (requestHash: string, attempt: number) => void;
  readonly ended: (requestHash: string, busyMs: number) => void;
}

/** Reports this often while it builds, so that its lease lives. */
const PROGRESS_MS = 20_000;
const WAIT_MS = 20_000;

export async function runSlot(foreman: ForemanForNodes, time: SimulatedTime, slot: SimulatedSlot): Promise<void> {
  const life = slot.life();
  const isAlive = (): boolean => slot.life() === life && !slot.isOver();
  for (let asked = 0; isAlive(); asked += 1) {
    const { order } = await foreman.lease(slot.nodeId, {
      idempotencyKey: `${slot.name}-${life}-${asked}`,
      softwareVersion: '1',
      slots: slot.slots,
      held: [slot.imageBuilder],
      waitMs: WAIT_MS,
    });
    if (!order) {
      await time.pass(1);
      continue;
    }
    slot.began(order.requestHash, order.attempt);
    const { leaseId, requestHash } = order;
    let sequence = 0n;
    const say = (event: MessageInitShape<typeof LeaseReportSchema>['event']) => {
      sequence += 1n;
      const message = create(ReportRequestSchema, { reports: [{ leaseId, sequence, event }] });
      return foreman.report(slot.nodeId, new Uint8Array(toBinary(ReportRequestSchema, message)));
    };
    const buildMs = slot.buildMs();
    for (let left = buildMs; left > 0 && isAlive(); left -= PROGRESS_MS) {
      await time.pass(Math.min(left, PROGRESS_MS));
      if (left > PROGRESS_MS && isAlive()) await say({ case: 'progress', value: { step: 2 } });
    }
    if (!isAlive()) return;
    await say({ case: 'failed', value: { kind: 'build_failed', detail: 'simulated' } });
    slot.ended(requestHash, buildMs);
  }
}
