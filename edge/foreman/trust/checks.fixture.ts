/**
 * For a file of tests: a Foreman that gives out builds of what is published already, as in production and not as in
 * other tests, and those who build them.
 */
import { afterEach, expect, vi } from 'vitest';
import { storeKey } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { trustPolicySchema } from '../../../shared/trust/policy.ts';
import { bucket, failed, type OpenedForeman, withForeman } from '../foreman.fixture.ts';
import type { Order } from '../leases/give-lease.ts';
import { UPLOADS_STAY_MS } from './checks.ts';

export const DEFAULTS = trustPolicySchema.parse({});
export const MINUTE_MS = 60_000;
let foreman: OpenedForeman;
let intents = 0;

export function withChecks(begin: (opened: OpenedForeman) => void): void {
  withForeman(
    async (opened) => {
      foreman = opened;
      begin(opened);
      await foreman.buildNothingAhead();
      await awake();
    },
    // One of them is only listed.
    (upstream) => upstream.publishVersions({ '24.10.2': { 'x86/64': 'x86_64' }, '22.03.5': { 'x86/64': 'x86_64' } }),
  );

  afterEach(() => {
    vi.restoreAllMocks();
  });
}

/** As in production: a Foreman that was evicted reads its settings anew, and those of tests have no checks. */
export const awake = (fields: object = {}) => foreman.policy({ ...DEFAULTS, ...fields });
export const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
export const submit = (fields: object = {}) =>
  foreman.submit({ intentHash: sha256Hex(`checks ${++intents}`), ...fields });
export const trusted = (id = 't', operator = 'farm') => foreman.node(id, operator);
export const volunteer = (id = 'v') => foreman.node(id, `op-${id}`, 'volunteer');
export const nodeOf = async (id: string) => (await foreman.rows('nodes')).find((row) => row.id === id);
export const checks = () => foreman.rows('checks');
export const tally = async () => (await foreman.rows('reproducibility')).find(({ target }) => target === 'x86/64');

export async function image(id: string, { leaseId }: Order, text = 'an image'): Promise<void> {
  await foreman.report(id, leaseId, 1, await foreman.success(id, leaseId, text));
}

/** Published on the word of a trusted node. */
export async function published(id = 't', fields: object = {}): Promise<Order> {
  await submit(fields);
  const order = await foreman.order(id);
  await image(id, order);
  await foreman.untilState(order.requestHash, 'done');
  return order;
}

/** A known image, and a volunteer that has been given it to build. */
export async function canary(): Promise<{ readonly known: Order; readonly order: Order }> {
  await trusted();
  const known = await published();
  await volunteer();
  return { known, order: await foreman.order('v') };
}

/** A canary of `v` that was another image, and what a trusted node is given for it. */
export async function dispute(by = 't', said: 'image' | 'failure' = 'image'): Promise<{ known: Order; order: Order }> {
  const { known, order } = await canary();
  if (said === 'image') await image('v', order, 'another image');
  else await foreman.report('v', order.leaseId, 1, failed('build_failed'));
  if (by !== 't') await trusted(by, 'farm');
  return { known, order: await foreman.order(by) };
}

/** What was uploaded for a check stays as long as something may come for it, and goes then. */
export async function filesGo({ leaseId }: Order): Promise<void> {
  const left = async () =>
    (await Promise.all([storeKey.object(leaseId, ''), storeKey.logs(leaseId)].map((prefix) => bucket.list({ prefix }))))
      .flatMap(({ objects }) => objects)
      .map(({ key }) => key);
  expect(await left()).toHaveLength(2);
  pass(UPLOADS_STAY_MS + MINUTE_MS);
  expect(await foreman.alarmAt()).toBeLessThanOrEqual(Date.now());
  await foreman.alarm();
  await vi.waitFor(async () => expect(await left()).toEqual([]), EVENTUALLY);
  await vi.waitFor(async () => expect((await checks())[0]).toMatchObject({ files: 'removed' }), EVENTUALLY);
}
