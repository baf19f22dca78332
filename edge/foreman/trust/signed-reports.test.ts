/** What nodes sign, and who lies with it: nothing counts that is not signed by its node in the edge's own words. */
import { describe, expect, it, vi } from 'vitest';
import { utf8ToBytes } from '../../../shared/crypto/digest.ts';
import { signingKey } from '../../../shared/crypto/ed25519.ts';
import { AGAIN_MS } from '../../../shared/node/lease.ts';
import { signDsse } from '../../../shared/trust/dsse.ts';
import { IN_TOTO_TYPE } from '../../../shared/trust/statement.ts';
import type { ReportedEvent } from '../../nodes/signed-event.fixture.ts';
import { failed, type OpenedForeman, openForeman, withForeman } from '../foreman.fixture.ts';
import type { Order } from '../leases/give-lease.ts';

let foreman: OpenedForeman;

withForeman((opened) => {
  foreman = opened;
});

const stranger = await signingKey(new Uint8Array(32).fill(9));
const bytesOf = (value: unknown): Uint8Array => utf8ToBytes(JSON.stringify(value));

type Last = Extract<ReportedEvent, { case: 'succeeded' | 'failed' }>;

const stated = (event: ReportedEvent, statement: Uint8Array): ReportedEvent =>
  ({ ...event, value: { ...(event as Last).value, statement } }) as ReportedEvent;

/** Of each kind of report: what an honest node says, still unsigned. */
const REPORTS: Readonly<Record<string, (order: Order, node: string) => Promise<ReportedEvent>>> = {
  'an image': (order, node) => foreman.success(node, order.leaseId),
  'a failure': async () => failed('build_failed'),
};

/** Not empty, so that it is not signed for the test; and no envelope. */
const NOTHING = utf8ToBytes(' ');

describe.each(Object.entries(REPORTS))('%s', (_, report) => {
  const said = async (
    tier: 'trusted' | 'volunteer',
    bend: (event: ReportedEvent, signed: Uint8Array) => Promise<ReportedEvent> | ReportedEvent,
  ) => {
    await foreman.node('n', 'op-n', tier);
    await foreman.submit();
    const order = await foreman.order('n');
    const event = await report(order, 'n');
    const signed = ((await foreman.signed('n', order.leaseId, event)) as Last).value.statement as Uint8Array;
    await foreman.report('n', order.leaseId, 1, await bend(event, signed));
    const votes = await foreman.rows('votes');
    const [lease] = (await foreman.rows('leases')).filter(({ id }) => id === order.leaseId);
    return { votes: votes.length, reason: String(lease?.end_reason) };
  };

  it.each(['trusted', 'volunteer'] as const)('of a %s node counts with its signature', async (tier) => {
    expect(await said(tier, (event) => event)).toMatchObject({ votes: 1 });
  });

  it('of a trusted node that speaks the protocol before counts without', async () => {
    expect(await said('trusted', (event) => foreman.unsigned(event))).toMatchObject({ votes: 1 });
  });

  it('of a volunteer does not', async () => {
    expect(await said('volunteer', (event) => foreman.unsigned(event))).toMatchObject({
      votes: 0,
      reason: expect.stringContaining('there is no signed statement'),
    });
  });

  it.each<[string, (signed: Uint8Array) => Promise<Uint8Array> | Uint8Array, string]>([
    ['no envelope', () => NOTHING, 'the envelope is no JSON'],
    [
      "a stranger's signature",
      async (signed) => {
        const { payload } = JSON.parse(new TextDecoder().decode(signed)) as { payload: string };
        const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
        return bytesOf(await signDsse(stranger, IN_TOTO_TYPE, bytes));
      },
      'not signed by the key of this node',
    ],
    [
      'a flipped bit',
      (signed) => utf8ToBytes(new TextDecoder().decode(signed).replace('"payload":"e', '"payload":"f')),
      'not signed by the key of this node',
    ],
  ])('with %s counts for nobody, and the lease is lost by the node', async (_name, forge, reason) => {
    for (const tier of ['trusted', 'volunteer'] as const) {
      foreman = openForeman();
      expect(await said(tier, async (event, signed) => stated(event, await forge(signed)))).toMatchObject({
        votes: 0,
        reason: expect.stringContaining(reason),
      });
    }
  });

  it('with what was signed for an earlier lease does not count again', async () => {
    await foreman.node('n', 'op-n', 'volunteer');
    await foreman.submit();
    const first = await foreman.order('n');
    const event = await report(first, 'n');
    const signed = ((await foreman.signed('n', first.leaseId, event)) as Last).value.statement as Uint8Array;
    await foreman.report('n', first.leaseId, 1, { case: 'handedBack', value: { reason: '' } });
    vi.setSystemTime(Date.now() + AGAIN_MS);
    const second = await foreman.order('n');
    await foreman.report('n', second.leaseId, 1, stated(await report(second, 'n'), signed));
    expect(await foreman.rows('votes')).toEqual([]);
    const lease = (await foreman.rows('leases')).find(({ id }) => id === second.leaseId);
    expect(lease?.end_reason).toContain('not about this lease');
  });
});
