/** For a file of tests: builds that more than one must make, and the volunteers who make them. */
import { DRAW_PATIENCE_MS } from '../../../shared/trust/draw-operator.ts';
import { waitingDetail } from '../../../shared/trust/waits-for.ts';
import { bucket, failed, type OpenedForeman, withForeman } from '../foreman.fixture.ts';
import type { Order } from '../leases/give-lease.ts';
import { type Crowd, crowdOf, pass } from './crowd.fixture.ts';

const DAY_MS = 24 * 3_600_000;
let foreman: OpenedForeman;
let all: Crowd;

export function withVolunteers(begin: (opened: OpenedForeman) => void): void {
  withForeman((opened) => {
    foreman = opened;
    all = crowdOf(opened);
    begin(opened);
  });
}

export const submit = () => all.submit();
export const nodeOf = (id: string) => all.nodeOf(id);
export const volunteer = (id: string, operator = `op-${id}`) => foreman.node(id, operator, 'volunteer');
export const crowd = (operators?: number) => all.join(operators);
export const image: Crowd['image'] = (...built) => all.image(...built);

/** As if it had built right for long. */
export const prove = (id: string, images = 10, days = 31) =>
  foreman.alter(
    'UPDATE nodes SET images = ?, joined_at = ? WHERE id = ?',
    String(images),
    String(Date.now() - days * DAY_MS),
    id,
  );

/** A build, and two volunteers for it, of whom `v` is proven. */
export async function submitForTwo(): Promise<void> {
  for (const id of ['v', 'w']) await volunteer(id);
  await prove('v');
  await submit();
}

export async function failure(id: string, kind = 'conflict', detail?: string): Promise<Order> {
  pass(DRAW_PATIENCE_MS * 20);
  const order = await foreman.order(id);
  await foreman.report(id, order.leaseId, 1, failed(kind, detail));
  return order;
}

export const recordOf = async ({ requestHash }: Order) => (await bucket.get(`builds/${requestHash}.json`))?.json();
export const statusOf = ({ requestHash }: Order) => foreman.status(requestHash);
export async function detailOf(order: Order): Promise<string> {
  const status = await statusOf(order);
  return status?.state === 'queued' ? waitingDetail(status.waitsFor) : String(status?.state);
}
