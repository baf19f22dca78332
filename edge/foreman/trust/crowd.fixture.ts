/** A farm that is large enough for volunteers to publish: as many operators as it takes, and two for whom the tests speak. */
import { vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { DRAW_PATIENCE_MS } from '../../../shared/trust/draw-operator.ts';
import { bucket, type OpenedForeman } from '../foreman.fixture.ts';
import type { Order } from '../leases/give-lease.ts';

export const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

let intents = 0;

/** Nothing is built a second time but what a test asks for. */
export function crowdOf(foreman: OpenedForeman) {
  const quiet = () => foreman.policy({ canary_one_in: 0, rebuild_one_in: 0, rebuilds_a_day: 0 });
  /** Operators of volunteers that were there an hour ago: they count, and are not drawn. */
  const join = async (n = 10): Promise<void> => {
    await quiet();
    for (let at = 0; at < n; at += 1) await foreman.node(`crowd-${at}`, `crowd-${at}`, 'volunteer');
    await foreman.alter("UPDATE nodes SET last_seen_at = last_seen_at - 3600000 WHERE id LIKE 'crowd-%'");
  };
  const volunteers = async (...ids: string[]): Promise<void> => {
    for (const id of ids) await foreman.node(id, `op-${id}`, 'volunteer');
  };
  /** As if they had built right for long. */
  const prove = async (...ids: string[]): Promise<void> => {
    for (const id of ids) await foreman.alter('UPDATE nodes SET images = 10, joined_at = 0 WHERE id = ?', id);
  };
  const submit = () => foreman.submit({ intentHash: sha256Hex(`of the crowd ${++intents}`) });

  /** The order that is there for it, or this one, built. Whoever else was drawn has had its time. */
  const image = async (id: string, text = 'an image', given?: Order): Promise<Order> => {
    pass(DRAW_PATIENCE_MS * 20);
    const order = given ?? (await foreman.order(id));
    await foreman.report(id, order.leaseId, 1, await foreman.success(id, order.leaseId, text));
    return order;
  };

  /** An order, with its image uploaded, of a lease that has ended: to be told later. */
  const late = async (id: string, text: string): Promise<() => Promise<string>> => {
    pass(DRAW_PATIENCE_MS * 20);
    const order = await foreman.order(id);
    const event = await foreman.success(id, order.leaseId, text);
    await foreman.report(id, order.leaseId, 1, { case: 'handedBack', value: { reason: 'later' } });
    return () => foreman.report(id, order.leaseId, 2, event);
  };

  const nodeOf = async (id: string) => (await foreman.rows('nodes')).find((row) => row.id === id);
  const isServed = async (requestHash: string) => (await bucket.head(`builds/${requestHash}.json`)) !== null;
  return { join, quiet, volunteers, prove, submit, image, late, nodeOf, isServed };
}

export type Crowd = ReturnType<typeof crowdOf>;
