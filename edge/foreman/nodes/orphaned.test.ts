/** A node that spoke of hundreds of builds, or has hundreds, is put out: nothing of it counts from then on, and nothing is lost. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { beforeEach, describe, expect, it, test } from 'vitest';
import { BuildError } from '../../../shared/build/build-error.ts';
import type { NodeAction } from '../../../shared/node/node-state.ts';
import { PREBUILD_TURN } from '../../../shared/queue/turn.ts';
import type { CatalogueReader } from '../../catalogue/read.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { Database } from '../database.ts';
import { handedBack, NEWS, type OpenedForeman, plansOf, submission, withForeman } from '../foreman.fixture.ts';
import { type ForemanState, foremanState } from '../foreman-state.ts';
import type { Notary } from '../publishing/notary.ts';
import { loseLease } from '../queue/end-build.ts';
import * as schema from '../schema.ts';
import { areOrphaned, orphan, settleOrphaned } from './orphaned.ts';
import { actOnNode } from './set-aside.ts';

const MANY = 200;
/** As many as are settled at once. */
const STEP = 32;
const { anyone, trusted, another } = schema.WHOM;
let foreman: OpenedForeman;

withForeman(async (opened) => {
  foreman = opened;
  await foreman.buildNothingAhead();
  await foreman.node('v', 'op-v', 'volunteer');
  await foreman.node('w', 'op-w', 'volunteer');
  await foreman.node('t');
});

const ways = {
  catalogue: {} as CatalogueReader,
  store: {} as ObjectStore,
  cache: env.CACHE,
  notary: {} as Notary,
  sealing: new Uint8Array(32),
};

/** With the tables alone: nothing goes on behind it. */
const inTables = <Answer>(work: (state: ForemanState, db: Database) => Answer): Promise<Answer> =>
  runInDurableObject(foreman.stub, (_, { storage }) => {
    const db = drizzle(storage, { schema });
    return work(foremanState(db, configOf(env), ways), db);
  });

const putOut = (action: NodeAction, id = 'v') =>
  inTables((state) => actOnNode(state, id, action, 'because', Date.now()));

const builds = async () => (await foreman.rows('builds')).filter(({ request_hash }) => /^of-/.test(`${request_hash}`));

/** Copies of one build. `fields`: of each, as SQL. */
async function addBuilds(count: number, fields: string): Promise<void> {
  await foreman.submit(submission());
  await foreman.alter(
    `WITH RECURSIVE more(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM more WHERE at < ${count})
     INSERT INTO builds (request_hash, intent_hash, generation, request, echo, conditions, upstream_digest, enqueued_at,
       queued_at, polled_at, not_before, draw, state, needs_trust, lease_id, attempts, turn)
     SELECT 'of-' || at, 'of-' || at, 1, request, echo, conditions, upstream_digest, enqueued_at,
       queued_at, polled_at, 0, 'a draw', ${fields} FROM more, (SELECT * FROM builds LIMIT 1)`,
  );
}

const addVotes = (node: string) =>
  foreman.alter(
    `INSERT INTO votes (request_hash, operator, node_id, tier, lease_id, network, outcome, digest, inputs, at, verdict)
     SELECT request_hash, 'op-' || ?, ?, 'volunteer', 'by-' || ?, ?, 'image', 'd', 'i', 1, 'open' FROM builds WHERE request_hash LIKE 'of-%'`,
    ...[node, node, node, node],
  );

const addLeases = (node: string) =>
  foreman.alter(
    `INSERT INTO leases (id, request_hash, node_id, idempotency_key, attempt, state, pins, granted_at, expires_at, deadline_at)
     SELECT lease_id, request_hash, ?, request_hash, 1, 'active', '{}', 1000, 8e15, 8e15 FROM builds WHERE request_hash LIKE 'of-%'`,
    node,
  );

describe.each(['quarantine', 'revoke'] as const)('after %s', (action) => {
  describe('of one that spoke of many builds', () => {
    beforeEach(async () => {
      await addBuilds(MANY, `'queued', ${another}, NULL, 1, 0`);
      await addVotes('v');
    });

    it('none of its words is left, though most of the builds are still to be looked at', async () => {
      await putOut(action);
      expect(await foreman.rows('votes')).toEqual([]);
      expect((await builds()).filter(({ needs_trust }) => needs_trust === anyone)).toHaveLength(STEP);
      expect(await foreman.rows('orphaned')).toHaveLength(MANY - STEP);
    });

    it('each build is for anybody again, wherever the object is killed', async () => {
      await putOut(action);
      for (let left = MANY - STEP; left > 0; left = Math.max(0, left - STEP)) {
        expect(await foreman.rows('orphaned')).toHaveLength(left);
        await evictDurableObject(foreman.stub);
        await inTables((state) => settleOrphaned(state, Date.now()));
      }
      expect((await builds()).map(({ needs_trust }) => needs_trust)).toEqual(Array(MANY).fill(anyone));
    });

    it('the alarm of one that was killed goes on by itself', async () => {
      await putOut(action);
      await evictDurableObject(foreman.stub);
      await foreman.calls.stats();
      await foreman.elapse(10_000);
      await expect.poll(() => foreman.rows('orphaned'), { timeout: 20_000 }).toEqual([]);
      expect(new Set((await builds()).map(({ needs_trust }) => needs_trust))).toEqual(new Set([anyone]));
    });

    it('a build of which another has spoken as well waits for others than that one', async () => {
      await addVotes('w');
      await putOut(action);
      await foreman.alarm();
      await expect.poll(() => foreman.rows('orphaned'), { timeout: 20_000 }).toEqual([]);
      expect(new Set((await builds()).map(({ needs_trust }) => needs_trust))).toEqual(new Set([another]));
      expect(new Set((await foreman.rows('votes')).map(({ node_id }) => node_id))).toEqual(new Set(['w']));
    });
  });

  it('of one that has many builds, its leases end at once, and each build goes elsewhere and has spent no attempt', async () => {
    await addBuilds(MANY, `'running', ${anyone}, 'lease-' || at, 1, 0`);
    await addLeases('v');
    await putOut(action);
    expect(new Set((await foreman.rows('leases')).map(({ state }) => state))).toEqual(new Set(['ended']));
    const waiting = async () => (await builds()).filter(({ state }) => state === 'queued');
    expect(await waiting()).toHaveLength(STEP);
    await evictDurableObject(foreman.stub);
    await foreman.alarm();
    await expect.poll(() => foreman.rows('orphaned'), { timeout: 20_000 }).toEqual([]);
    expect(await waiting()).toHaveLength(MANY);
    expect(new Set((await waiting()).map(({ attempts, lease_id }) => `${attempts} ${lease_id}`))).toEqual(
      new Set(['0 null']),
    );
  });
});

describe('of a build that somebody else has when its word is taken back', () => {
  it.each([
    ['it comes back for anybody', [], anyone],
    ['another has spoken of it as well: it comes back for others than that one', ['w'], another],
  ] as const)('%s', async (_, others, whom) => {
    // These two contradicted each other, or so it seemed.
    await addBuilds(1, `'running', ${trusted}, 'lease-' || at, 1, 0`);
    await addLeases('t');
    for (const node of ['v', ...others]) await addVotes(node);
    await putOut('quarantine');
    expect(await foreman.rows('orphaned')).toEqual([]);
    await foreman.report('t', 'lease-1', 1, handedBack);
    expect((await builds()).map(({ state, needs_trust }) => [state, needs_trust])).toEqual([['queued', whom]]);
  });

  it('it has it no more either by the time that is looked at: it comes back for anybody', async () => {
    await addBuilds(1, `'running', ${trusted}, 'lease-' || at, 1, 0`);
    await addLeases('w');
    await addVotes('v');
    await inTables((state) => {
      for (const id of ['w', 'v']) state.db.transaction(() => orphan(state, id, 'put out'));
      settleOrphaned(state, Date.now());
    });
    expect((await builds()).map(({ state, needs_trust }) => [state, needs_trust])).toEqual([['queued', anyone]]);
  });
});

test('who waits is woken for the last of the builds as well', async () => {
  // Three steps: with the first two comes nothing that a volunteer may have.
  await addBuilds(2 * STEP + 1, `'running', ${trusted}, 'lease-' || at, 1, 0`);
  await foreman.alter(`UPDATE builds SET needs_trust = ${trusted}`);
  await addLeases('v');
  const last = String(
    (await builds())
      .map(({ request_hash }) => request_hash)
      .sort()
      .at(-1),
  );
  await foreman.alter('UPDATE builds SET needs_trust = ? WHERE request_hash = ?', String(anyone), last);
  const ask = { ...NEWS, idempotencyKey: 'waits', softwareVersion: 'waits', network: 'of w', waitMs: 600_000 };
  const asked = foreman.calls.lease('w', ask);
  await expect
    .poll(async () => (await foreman.rows('nodes')).find(({ id }) => id === 'w')?.software_version)
    .toBe('waits');
  await foreman.calls.actOnNode('v', 'quarantine', 'because');
  expect(await asked).toMatchObject({ order: { requestHash: last } });
});

test('what is lost by one that was put out meanwhile is no attempt', async () => {
  await addBuilds(1, `'running', ${anyone}, 'lease-' || at, 9, 0`);
  await addLeases('t');
  await inTables((state) => {
    state.db.transaction(() => orphan(state, 't', 'put out'));
    const lease = state.leases.byId('lease-1');
    if (!lease) throw new Error('expected the lease');
    loseLease(state, lease, new BuildError('internal'), Date.now());
    settleOrphaned(state, Date.now());
  });
  expect((await builds()).map(({ state, attempts }) => [state, attempts])).toEqual([['queued', 8]]);
});

test('a build that somebody else was given, decided or cancelled meanwhile is left as it is', async () => {
  await addBuilds(4, `'running', ${anyone}, 'lease-' || at, 1, 0`);
  await addLeases('v');
  await inTables((state) => state.db.transaction(() => orphan(state, 'v', 'put out')));
  await foreman.alter("UPDATE builds SET lease_id = 'of another' WHERE request_hash = 'of-1'");
  for (const [hash, state] of [
    ['of-2', 'publishing'],
    ['of-3', 'failed'],
  ] as const)
    await foreman.alter('UPDATE builds SET state = ? WHERE request_hash = ?', state, hash);
  await inTables((state) => settleOrphaned(state, Date.now()));
  expect((await builds()).map(({ state }) => state)).toEqual(['running', 'publishing', 'failed', 'queued']);
  expect(await foreman.rows('orphaned')).toEqual([]);
});

test('what is released before all is settled is as after a quarantine, and new builds of its stay', async () => {
  await addBuilds(MANY, `'running', ${anyone}, 'lease-' || at, 1, 0`);
  await addLeases('v');
  await putOut('quarantine');
  await putOut('release');
  const order = await foreman.order('v');
  await inTables((state) => {
    for (let at = settleOrphaned(state, Date.now()); at; ) at = settleOrphaned(state, Date.now(), at);
  });
  const states = (await foreman.rows('builds')).map(({ state, request_hash }) => [
    request_hash === order.requestHash,
    state,
  ]);
  expect(states.filter(([isIts, state]) => (isIts ? state !== 'leased' : state !== 'queued'))).toEqual([]);
});

test('the time of a prebuild that is broken off is counted', async () => {
  await addBuilds(2, `'running', ${anyone}, 'lease-' || at, 1, ${PREBUILD_TURN}`);
  await addLeases('v');
  const grantedAt = 86_400_000;
  await foreman.alter('UPDATE leases SET granted_at = ?', String(grantedAt));
  const seconds = await inTables((state) => {
    state.db.transaction(() => orphan(state, 'v', 'put out'));
    settleOrphaned(state, grantedAt + 60_000);
    return state.statistics.prebuildSeconds(grantedAt + 60_000);
  });
  expect(seconds).toBe(120);
});

test('one that cannot be settled is kept and holds up none of the others', async () => {
  await addBuilds(3, `'queued', ${trusted}, NULL, 1, 0`);
  await addVotes('v');
  await foreman.alter("UPDATE builds SET request = 'no JSON' WHERE request_hash = 'of-2'");
  await inTables((state) => {
    state.db.transaction(() => orphan(state, 'v', 'put out'));
    settleOrphaned(state, Date.now());
    expect(areOrphaned(state)).toBe(true);
  });
  expect((await foreman.rows('orphaned')).map(({ request_hash }) => request_hash)).toEqual(['of-2']);
  expect((await builds()).map(({ needs_trust }) => needs_trust)).toEqual([anyone, trusted, anyone]);
});

test('what is left behind is found by indexes', async () => {
  const plans = await plansOf(foreman.stub, (db) => {
    const state = foremanState(db, configOf(env), ways);
    orphan(state, 'v', 'put out');
    settleOrphaned(state, 0);
  });
  expect(plans.filter((plan) => plan.startsWith('SCAN'))).toEqual([]);
});
