/** The Foreman's operations as its callers use them, each made ready so that nothing but itself is counted. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { Order } from '../../../edge/foreman/leases/give-lease.ts';
import { FarmSize } from '../../../edge/foreman/queue/farm-size.ts';
import { WHOM } from '../../../edge/foreman/schema.ts';
import { storeKey } from '../../../shared/build/build-record.ts';
import { sha256Hex, utf8ToBytes } from '../../../shared/crypto/digest.ts';
import { BuildSucceededSchema } from '../../../shared/gen/asu/farm/v1/build_pb.js';
import { type LeaseReportSchema, ReportRequestSchema } from '../../../shared/gen/asu/farm/v1/foreman_pb.js';
import { type Bound, POLLED } from '../measured.ts';
import type { Farm } from './farm.ts';

type Event = MessageInitShape<typeof LeaseReportSchema>['event'];

export interface Operation {
  readonly name: string;
  readonly bound: Bound;
  /** Makes it ready, for this round; what it returns is measured. */
  readonly prepare: (farm: Farm, round: number) => Promise<() => unknown> | (() => unknown);
}

export const flat = (name: string, prepare: Operation['prepare']): Operation => ({ name, bound: 'flat', prepare });
const ofPlace = (name: string, prepare: Operation['prepare']): Operation => ({ name, bound: 'place', prepare });
const ofNodes = (name: string, prepare: Operation['prepare']): Operation => ({ name, bound: 'nodes', prepare });

/** By one node, of builds that are not decided yet. */
const SPOKEN_OF = 5_000;
const IMAGE = 'x-squashfs-combined.img.gz';
const BYTES = utf8ToBytes('an image');

export const OPERATIONS: readonly Operation[] = [
  ofPlace('submit, a new build', (farm) => {
    const submission = farm.submission();
    return () => farm.foreman.submit([submission]);
  }),
  ofPlace('submit, a build that waits', async (farm) => {
    const submission = farm.submission();
    await farm.foreman.submit([submission]);
    return () => farm.foreman.submit([{ ...submission, clientKey: 'somebody else' }]);
  }),
  ofPlace('status of 1', (farm) => {
    const hash = farm.waitingHash();
    return () => farm.foreman.status([hash]);
  }),
  {
    name: `status of ${POLLED}`,
    bound: 'places',
    prepare: (farm) => {
      const hashes = Array.from({ length: POLLED }, () => farm.waitingHash());
      return () => farm.foreman.status(hashes);
    },
  },
  flat('lease, an order', (farm) => {
    const node = farm.newNode();
    return () => farm.order(node);
  }),
  {
    name: 'lease, nothing for this node',
    bound: 'head',
    prepare: (farm) => {
      const node = farm.newNode('volunteer');
      farm.vote(node, 300);
      return async () => {
        if ((await farm.lease(node)) && farm.queue.waiting() > 300) throw new Error('expected no order');
      };
    },
  },
  flat('report, progress', (farm) =>
    reporting(farm, () => ({ case: 'progress', value: { step: 3, bytesDone: 1n, bytesTotal: 2n } })),
  ),
  flat('report, an image, published', async (farm) => {
    const node = farm.newNode();
    const order = await farm.order(node);
    const file = { name: IMAGE, sizeBytes: BYTES.length, sha256: sha256Hex(BYTES) };
    await farm.foreman.grantUploads(node, order.leaseId, [file]);
    await farm.store.put(storeKey.object(order.leaseId, IMAGE), BYTES, { size: BYTES.length, sha256: file.sha256 });
    await farm.foreman.completeUpload(order.leaseId, IMAGE);
    return () => send(farm, node, order, succeeded(order, file));
  }),
  flat('report, failed for all', (farm) =>
    reporting(farm, () => ({ case: 'failed', value: { kind: 'build_failed', detail: 'make: error 1' } })),
  ),
  flat("report, a node's fault", (farm) =>
    reporting(farm, () => ({ case: 'failed', value: { kind: 'disk_full', detail: 'no space left' } })),
  ),
  flat('report, handed back', (farm) =>
    reporting(farm, () => ({ case: 'handedBack', value: { reason: 'the node stops' } })),
  ),
  flat('cancel', (farm) => {
    const hash = farm.waitingHash();
    return () => farm.foreman.cancel(hash);
  }),
  flat('the next alarm alone', (farm) => () => farm.foreman.cancel('of no build')),
  flat('alarm, nothing due', (farm) => () => farm.foreman.ring()),
  flat('alarm, one abandoned', (farm) => {
    farm.storage.sql.exec('UPDATE builds SET polled_at = 1 WHERE request_hash = ?', farm.waitingHash());
    return () => farm.foreman.ring();
  }),
  flat('alarm, one lease over', async (farm) => {
    const { leaseId } = await farm.order(farm.newNode());
    farm.storage.sql.exec('UPDATE leases SET expires_at = 1 WHERE id = ?', leaseId);
    return () => farm.foreman.ring();
  }),
  flat('claimName', (farm, round) => {
    const entry = { identity: 'e'.repeat(64), dialect: 'auc', requestHash: farm.waitingHash() } as never;
    return () => farm.foreman.claimName(`000000${String(round).padStart(6, '0')}`, entry);
  }),
  flat('how long the queue is', (farm) => () => farm.queue.waiting()),
  flat('alarm, back from an absence', (farm) => () => farm.queue.polls.noteAll(Date.now())),
  flat('drain of a node', (farm, round) => () => farm.foreman.actOnNode(`crowd-${round}`, 'drain', 'a rest')),
  flat(
    'quarantine of a node',
    (farm, round) => () => farm.foreman.actOnNode(`crowd-${100 + round}`, 'quarantine', 'a look at it'),
  ),
  {
    name: `quarantine, ${SPOKEN_OF} votes`,
    bound: 'head',
    prepare: (farm) => {
      const node = farm.newNode('volunteer');
      farm.vote(node, SPOKEN_OF);
      return () => farm.foreman.actOnNode(node, 'quarantine', 'a look at it');
    },
  },
  ofNodes('listNodes, a page', (farm) => () => farm.foreman.listNodes('')),
  ofNodes('publicNodes', (farm) => () => farm.foreman.publicNodes()),
  ofNodes('stats', (farm) => () => farm.foreman.stats()),
  ofNodes(
    'slots of the farm, each 5 s',
    (farm) => () => new FarmSize(farm.nodes, farm.leases, farm.queue).pace(Date.now(), WHOM.anyone),
  ),
  // From here on volunteers have begun all that waits for them.
  {
    name: 'lease, a volunteer beside begun',
    bound: 'head',
    prepare: (farm, round) => {
      if (round === 0) {
        farm.begin();
        // Between two questions one or two of a thousand nodes are heard of.
        farm.allAreHere();
      }
      const node = farm.newNode('volunteer');
      // It is drawn for one build in nine hundred, which may be among those that are looked at.
      return () => farm.lease(node);
    },
  },
  // Last: nothing of the queue may be leased afterwards.
  flat('lease, upstream is down', (farm, round) => {
    if (round === 0) farm.storage.sql.exec("UPDATE builds SET not_before = ? WHERE state = 'queued'", 8.64e15);
    const node = farm.newNode();
    return async () => {
      if (await farm.lease(node)) throw new Error('expected no order while all builds are postponed');
    };
  }),
];

async function reporting(farm: Farm, event: () => Event): Promise<() => unknown> {
  const node = farm.newNode();
  const order = await farm.order(node);
  return () => send(farm, node, order, event());
}

function send(farm: Farm, node: string, { leaseId }: Order, event: Event): unknown {
  const message = create(ReportRequestSchema, { reports: [{ leaseId, sequence: 1n, event }] });
  return farm.foreman.report(node, new Uint8Array(toBinary(ReportRequestSchema, message)));
}

function succeeded(
  { pins, request }: Order,
  file: { readonly name: string; readonly sizeBytes: number; readonly sha256: string },
): Event {
  const sent = { ...file, sizeBytes: BigInt(file.sizeBytes) };
  const profilesJson = JSON.stringify({
    target: request.target,
    version_code: pins.revision,
    version_number: request.version,
    arch_packages: 'demo',
    profiles: { [request.profile]: {} },
  });
  const value = create(BuildSucceededSchema, {
    files: [sent],
    images: [{ ...sent, type: 'combined', filesystem: 'squashfs' }],
    manifest: [{ name: 'base-files', version: '1' }],
    profilesJson,
    buildCommand: ['make', 'image'],
    durationMs: 1000n,
  });
  return { case: 'succeeded', value };
}
