import { runInDurableObject } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import type { NodeAction } from '../../../shared/node/node-state.ts';
import type { Mirror } from '../../catalogue/mirror.fixture.ts';
import type { CatalogueReader } from '../../catalogue/read.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import {
  failed,
  NEWS,
  type OpenedForeman,
  openForeman,
  progress,
  submission,
  withForeman,
} from '../foreman.fixture.ts';
import { foremanState } from '../foreman-state.ts';
import type { Notary } from '../publishing/notary.ts';
import * as schema from '../schema.ts';
import { actOnNode } from './set-aside.ts';

let foreman: OpenedForeman;
let mirror: Mirror;
let intents = 0;

withForeman(
  async (opened) => {
    foreman = opened;
    await foreman.node('a');
    await foreman.node('b', 'op-b');
  },
  (upstream) => {
    mirror = upstream;
  },
);

const submit = () => foreman.submit({ intentHash: sha256Hex(`set aside ${++intents}`) });
const act = (action: NodeAction, id = 'a', reason = 'because') => foreman.calls.actOnNode(id, action, reason);
const lease = (fields: Partial<Parameters<OpenedForeman['calls']['lease']>[1]> = {}) =>
  foreman.calls.lease('a', { idempotencyKey: `set-aside-${++intents}`, ...NEWS, waitMs: 0, ...fields });
const rowOf = async (id: string) => (await foreman.rows('nodes')).find((row) => row.id === id);

describe('a draining node', () => {
  it('gets nothing new, is told why, and finishes what it has', async () => {
    await submit();
    const order = await foreman.order('a');
    await submit();
    expect(await act('drain')).toMatchObject({
      ok: true,
      node: { state: 'draining', stateReason: 'because', running: 1 },
    });
    expect(await lease()).toEqual({ order: null, standing: { state: 'draining', reason: 'because' } });
    expect(await foreman.report('a', order.leaseId, 1, progress(8))).toBe('active');
    await foreman.report('a', order.leaseId, 2, await foreman.success('a', order.leaseId));
    await foreman.untilState(order.requestHash, 'done');
    expect(await foreman.lease('b')).not.toBeNull();
  });

  it('gets an order again whose answer was lost, for it has that build', async () => {
    await submit();
    const order = await foreman.lease('a', 'a-lost-answer');
    await act('drain');
    expect(await lease({ idempotencyKey: 'a-lost-answer' })).toMatchObject({ order: { leaseId: order?.leaseId } });
  });

  it('is none that a build waits for', async () => {
    await submit();
    const { leaseId } = await foreman.order('b');
    await foreman.report('b', leaseId, 1, failed('disk_full'));
    await act('drain');
    expect(await foreman.lease('b')).not.toBeNull();
  });

  it('and one that waits for work is told at once, and again when it may build', async () => {
    const told = lease({ waitMs: 600_000, knownStanding: 'active' });
    await vi.waitFor(async () => expect((await foreman.calls.stats()).calls.lease).toBe(1), EVENTUALLY);
    await act('drain');
    expect(await told).toMatchObject({ standing: { state: 'draining' } });
    const again = lease({ waitMs: 600_000, knownStanding: 'draining' });
    await vi.waitFor(async () => expect((await foreman.calls.stats()).calls.lease).toBe(2), EVENTUALLY);
    await act('undrain');
    expect(await again).toEqual({ order: null, standing: { state: 'active', reason: '' } });
  });

  it('that is drained again without a reason keeps the one it was told', async () => {
    await act('drain');
    expect(await act('drain', 'a', '')).toMatchObject({ node: { stateReason: 'because' } });
    expect(await act('drain', 'a', 'another')).toMatchObject({ node: { stateReason: 'another' } });
  });

  it('for builds that nobody can make is told at once that it may build again', async () => {
    await foreman.node('c', 'op-c');
    const lost = [];
    for (let at = 0; at < 3; at += 1) {
      await submit();
      const { leaseId, requestHash } = await foreman.order('a');
      await foreman.report('a', leaseId, 1, failed('disk_full'));
      lost.push(requestHash);
    }
    expect(await rowOf('a')).toMatchObject({ state: 'draining', state_by: 'foreman' });
    const told = lease({ waitMs: 600_000, knownStanding: 'draining' });
    for (const id of ['b', 'c']) {
      const { leaseId, requestHash } = await foreman.order(id);
      expect(requestHash).toBe(lost[0]);
      await foreman.report(id, leaseId, 1, failed('disk_full'));
    }
    expect(await told).toMatchObject({ standing: { state: 'active' } });
  });

  it('of before it could be told is answered after the wait, or it would ask without a pause', async () => {
    await act('drain');
    let isAnswered = false;
    const answer = lease({ waitMs: 600_000, knownStanding: null }).finally(() => {
      isAnswered = true;
    });
    await vi.waitFor(async () => expect((await foreman.calls.stats()).calls.lease).toBe(1), EVENTUALLY);
    await scheduler.wait(50);
    expect(isAnswered).toBe(false);
    await submit();
    await act('undrain');
    expect(await answer).toMatchObject({ order: { attempt: 1 } });
  });

  it('does not take the place of one that can be woken', async () => {
    for (const id of ['c', 'd', 'e', 'f']) await foreman.node(id, `op-${id}`);
    for (const id of ['a', 'c', 'd', 'e', 'f']) await act('drain', id);
    const waits = (id: string) =>
      foreman.calls.lease(id, { idempotencyKey: `waits-${id}`, ...NEWS, waitMs: 600_000, knownStanding: 'draining' });
    const aside = ['a', 'c', 'd', 'e', 'f'].map(waits);
    const able = foreman.calls.lease('b', { idempotencyKey: 'waits-b', ...NEWS, waitMs: 600_000 });
    await vi.waitFor(async () => expect((await foreman.calls.stats()).calls.lease).toBe(6), EVENTUALLY);
    await submit();
    expect(await able).toMatchObject({ order: { attempt: 1 } });
    for (const id of ['a', 'c', 'd', 'e', 'f']) await act('undrain', id);
    await Promise.all(aside);
  });
});

describe.each(['quarantine', 'revoke'] as const)('after %s', (action) => {
  it('its build goes elsewhere at once and has spent no attempt, and what it says of it is not heard', async () => {
    await submit();
    const order = await foreman.order('a');
    const event = await foreman.success('a', order.leaseId);
    await act(action);
    expect(await foreman.build(order.requestHash)).toMatchObject({ state: 'queued', attempts: 0 });
    for (const [at, word] of [failed('conflict'), event, failed('disk_full')].entries()) {
      const heard = foreman.report('a', order.leaseId, at + 1, word);
      if (action === 'revoke') await expect(heard).rejects.toThrow('this node was revoked');
      else expect(await heard).toBe('ended');
    }
    expect(await foreman.build(order.requestHash)).toMatchObject({ state: 'queued', attempts: 0 });
    expect(await foreman.rows('votes')).toEqual([]);
    expect(await foreman.order('b')).toMatchObject({ requestHash: order.requestHash, attempt: 1 });
  });

  it('what it said of undecided builds was never said, and what was decided stands', async () => {
    await foreman.node('v', 'op-v', 'volunteer');
    for (const isDecided of [true, false]) {
      await submit();
      const order = await foreman.order('v');
      await foreman.report('v', order.leaseId, 1, failed('conflict'));
      if (!isDecided) continue;
      const second = await foreman.order('b');
      await foreman.report('b', second.leaseId, 1, failed('conflict'));
    }
    expect(await foreman.rows('votes')).toHaveLength(3);
    await act(action, 'v');
    // The decision stands on the trusted node's word; the volunteer's is not counted any more once it is gone for good.
    await vi.waitFor(
      async () =>
        expect((await foreman.rows('votes')).map((vote) => [vote.node_id, vote.verdict])).toEqual(
          expect.arrayContaining([
            ['v', action === 'revoke' ? 'withdrawn' : 'right'],
            ['b', 'right'],
          ]),
        ),
      EVENTUALLY,
    );
    expect(await foreman.rows('votes')).toHaveLength(2);
  });
});

test('a quarantined node is told so with every answer, and builds again once it is released', async () => {
  await submit();
  await act('quarantine', 'a', 'wrong images');
  expect(await lease()).toEqual({ order: null, standing: { state: 'quarantined', reason: 'wrong images' } });
  await act('release');
  expect(await lease()).toMatchObject({ order: { attempt: 1 }, standing: { state: 'active', reason: '' } });
});

describe('a quarantine that is released', () => {
  const quarantinedAfterDrain = async () => {
    await act('drain', 'a', 'a new disk');
    const { state_since } = (await rowOf('a')) ?? {};
    vi.setSystemTime(Date.now() + 3_600_000);
    await act('quarantine', 'a', 'wrong images');
    return { state: 'draining', state_by: 'operator', state_reason: 'a new disk', state_since };
  };

  it('leaves the drain that an operator had put on the node before, however often either is said', async () => {
    const drained = await quarantinedAfterDrain();
    await act('quarantine', 'a', '');
    expect(await act('release')).toMatchObject({ ok: true, node: { state: 'draining', stateReason: 'a new disk' } });
    expect(await rowOf('a')).toMatchObject(drained);
    expect(await act('release')).toMatchObject({ ok: true });
    expect(await rowOf('a')).toMatchObject(drained);
  });

  it('and leaves none once somebody has ended it', async () => {
    await quarantinedAfterDrain();
    await act('release');
    await act('undrain');
    expect(await rowOf('a')).toMatchObject({ state: 'active', drain_behind: null });
    await act('quarantine');
    expect(await act('release')).toMatchObject({ node: { state: 'active' } });
  });

  it('keeps a liar one, for the log, where its operator says the same as the Foreman', async () => {
    await foreman.alter(
      "UPDATE nodes SET state = 'quarantined', state_by = 'foreman', state_reason = 'x' WHERE id = 'a'",
    );
    await act('quarantine', 'a', 'I saw it too');
    expect(await rowOf('a')).toMatchObject({ state: 'quarantined', state_by: 'foreman', state_reason: 'I saw it too' });
  });

  it('nor one of the Foreman’s: somebody has looked at the node since', async () => {
    await foreman.alter("UPDATE nodes SET state = 'draining', state_by = 'foreman', state_reason = 'x' WHERE id = 'a'");
    await act('quarantine');
    expect(await act('release')).toMatchObject({ node: { state: 'active', stateReason: '' } });
  });
});

const SLOW_VERSIONS = ['23.05.7', '23.05.8'] as const;

/** Of a version that nobody has asked for yet, so that there is no older copy to go on with: upstream answers when it is let. */
async function submitOfSlowUpstream(version: (typeof SLOW_VERSIONS)[number]) {
  const listed = ['24.10.2', ...SLOW_VERSIONS].map((each) => [each, { 'x86/64': 'x86_64' }]);
  mirror.publishVersions(Object.fromEntries(listed));
  await mirror.publishTarget({ version, target: 'x86/64', arch: 'x86_64' });
  mirror.publishArch(version, 'x86_64', { base: { curl: '8.1-r1' } });
  const path = `releases/${version}/targets/x86/64/sha256sums`;
  let [isAsked, mayAnswer] = [false, false];
  mirror.weather.set(path, async () => {
    isAsked = true;
    while (!mayAnswer) await scheduler.wait(5);
    return new Response(mirror.files.get(path));
  });
  vi.setSystemTime(Date.now() + 120_000);
  await foreman.submit({ request: { ...submission().request, version } });
  return {
    untilAsked: () => vi.waitFor(() => expect(isAsked).toBe(true), EVENTUALLY),
    letAnswer: () => {
      mayAnswer = true;
    },
  };
}

test('one that is set aside while upstream is asked for its order gets none', async () => {
  const { untilAsked, letAnswer } = await submitOfSlowUpstream('23.05.7');
  const asking = lease();
  await untilAsked();
  await act('drain');
  letAnswer();
  expect(await asking).toMatchObject({ order: null });
  expect(await foreman.rows('leases')).toEqual([]);
  expect(await lease()).toMatchObject({ order: null, standing: { state: 'draining' } });
});

test('a node that stops is given nothing to the question that it broke off', async () => {
  const ask = (idempotencyKey: string, more: { readonly waitMs: number; readonly isStopping?: boolean }) =>
    foreman.calls.lease('a', { idempotencyKey, ...NEWS, ...more });
  const brokenOff = ask('broken-off', { waitMs: 20_000 });
  await vi.waitFor(async () => expect((await foreman.calls.stats()).calls.lease).toBe(1), EVENTUALLY);
  expect(await ask('broken-off', { waitMs: 0, isStopping: true })).toMatchObject({ order: null });
  expect(await brokenOff).toMatchObject({ order: null });
  await submit();
  expect(await foreman.rows('leases')).toEqual([]);
  // What it had been given in that moment is told once more, to be handed back.
  const given = await ask('given', { waitMs: 0 });
  expect(given).toMatchObject({ order: { leaseId: expect.any(String) } });
  expect(await ask('given', { waitMs: 0, isStopping: true })).toEqual(given);
  expect(await ask('another', { waitMs: 0, isStopping: true })).toMatchObject({ order: null });
});

test('nor where upstream is being asked for it: the build is for others', async () => {
  const { untilAsked, letAnswer } = await submitOfSlowUpstream('23.05.8');
  const ask = { idempotencyKey: 'broken-off', ...NEWS, waitMs: 20_000 };
  const brokenOff = foreman.calls.lease('a', ask);
  await untilAsked();
  await foreman.calls.lease('a', { ...ask, isStopping: true });
  letAnswer();
  expect(await brokenOff).toMatchObject({ order: null });
  expect(await foreman.rows('builds')).toMatchObject([{ state: 'queued', attempts: 0, lease_id: null }]);
  expect((await foreman.rows('leases')).filter(({ state }) => state === 'active')).toEqual([]);
});

test('a token that a node has used before does not bring back what it was made by that', async () => {
  const token = (name: string, tier: 'trusted' | 'volunteer') => {
    const expiresAt = Date.now() + 86_400_000;
    return { id: sha256Hex(name).slice(0, 32), operator: `op-${name}`, tier, expiresAt };
  };
  const newcomer = { id: 'n', publicKey: sha256Hex('n'), name: 'n' };
  const [first, second] = [token('first', 'trusted'), token('second', 'volunteer')];
  for (const used of [first, second, first])
    expect(await foreman.calls.join(newcomer, used)).toMatchObject({ ok: true });
  const node = (await foreman.rows('nodes')).find(({ id }) => id === 'n');
  expect(node).toMatchObject({ tier: 'volunteer', operator: 'op-second' });
});

test('a node that is set aside stays so when it joins again with another token', async () => {
  await act('quarantine');
  const token = { id: '9'.repeat(32), operator: 'op', tier: 'trusted', expiresAt: Date.now() + 1000 } as const;
  expect(await foreman.calls.join({ id: 'a', publicKey: sha256Hex('a'), name: 'a' }, token)).toMatchObject({
    ok: true,
  });
  expect(await rowOf('a')).toMatchObject({ state: 'quarantined', state_reason: 'because' });
});

test.each<[NodeAction, NodeAction]>([
  ['quarantine', 'undrain'],
  ['drain', 'release'],
  ['revoke', 'release'],
])('after %s, %s is refused and changes nothing', async (first, second) => {
  await act(first);
  const before = await rowOf('a');
  expect(await act(second)).toMatchObject({ ok: false, why: 'impossible' });
  expect(await rowOf('a')).toEqual(before);
});

test('of a node that there is not, nothing can be made', async () => {
  expect(await act('drain', 'f'.repeat(64))).toMatchObject({ ok: false, why: 'unknown' });
});

test('everybody is told of nodes by name, and of nothing else', async () => {
  await submit();
  await foreman.order('b');
  await act('revoke');
  await foreman.node('old');
  await foreman.alter('UPDATE nodes SET last_seen_at = ? WHERE id = ?', String(Date.now() - 25 * 3_600_000), 'old');
  expect(await foreman.calls.publicNodes()).toEqual([
    { name: 'b', tier: 'trusted', state: 'active', isPresent: true, slots: 1, running: 1, images: 0 },
  ]);
});

test('the list for operators has pages of a thousand', async () => {
  await foreman.alter(
    `WITH RECURSIVE more(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM more WHERE at < 1500)
     INSERT INTO nodes (id, public_key, name, operator, tier, state, joined_at, last_seen_at)
     SELECT printf('n%05d', at), at, 'many', 'op', 'volunteer', 'active', 0, 0 FROM more`,
  );
  const first = await foreman.calls.listNodes('');
  expect([first.nodes.length, first.next]).toEqual([1000, 'n00998']);
  const second = await foreman.calls.listNodes(first.next ?? '');
  expect([second.nodes.length, second.next]).toEqual([502, null]);
  expect(new Set([...first.nodes, ...second.nodes].map(({ id }) => id)).size).toBe(1502);
});

test('quarantine reads as much of a node of 5,000 old builds as of one of 50', async () => {
  const read = async (old: number): Promise<number> => {
    const { stub, calls, node } = openForeman();
    await node('a');
    await calls.stats();
    return runInDurableObject(stub, (_, { storage }) => {
      const many = 'WITH RECURSIVE more(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM more WHERE at < ?)';
      storage.sql.exec(
        `${many} INSERT INTO leases (id, request_hash, node_id, idempotency_key, attempt, state, pins, granted_at, expires_at, deadline_at)
         SELECT at, at, 'a', at, 1, 'ended', '{}', 0, 0, 0 FROM more`,
        old,
      );
      storage.sql.exec(
        `${many} INSERT INTO votes (request_hash, operator, node_id, tier, lease_id, outcome, at, verdict)
         SELECT at, 'op', 'a', 'trusted', at, 'image', 0, 'right' FROM more`,
        old,
      );
      const cursors: { readonly rowsRead: number }[] = [];
      const sql = new Proxy(storage.sql, {
        get: (of, name) =>
          name !== 'exec'
            ? Reflect.get(of, name)
            : (...words: Parameters<SqlStorage['exec']>) => {
                const cursor = of.exec(...words);
                cursors.push(cursor);
                return cursor;
              },
      });
      const watched = new Proxy(storage, {
        get: (of, name) => {
          const value = name === 'sql' ? sql : (Reflect.get(of, name) as unknown);
          return typeof value === 'function' ? value.bind(of) : value;
        },
      });
      const db = drizzle(watched, { schema });
      const ways = {
        catalogue: {} as CatalogueReader,
        store: {} as ObjectStore,
        cache: env.CACHE,
        notary: {} as Notary,
        sealing: new Uint8Array(32),
      };
      expect(actOnNode(foremanState(db, configOf(env), ways), 'a', 'quarantine', '', 1)).toEqual({ ok: true });
      return cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0);
    });
  };
  expect(await read(5_000)).toBe(await read(50));
});
