/** What a first look passes over is nothing that a look at the whole build would have given. */
import { runInDurableObject } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { expect, test } from 'vitest';
import type { CatalogueReader } from '../../catalogue/read.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { type OpenedForeman, plansOf, submission, withForeman } from '../foreman.fixture.ts';
import { type ForemanState, foremanState } from '../foreman-state.ts';
import { WhoIsHere } from '../nodes/who-is-here.ts';
import type { Notary } from '../publishing/notary.ts';
import * as schema from '../schema.ts';
import { ruleOf } from '../trust/decide-build.ts';
import { glanceOf } from './glance.ts';
import { isItsTurn } from './is-its-turn.ts';
import { isOfUse, wantedOf } from './is-of-use.ts';

const FEED = 'https://feeds.example/own';
const BUILDS = 60;
const MINUTE_MS = 60_000;
let foreman: OpenedForeman;

withForeman((opened) => {
  foreman = opened;
});

const ways = {
  catalogue: {} as CatalogueReader,
  store: {} as ObjectStore,
  cache: env.CACHE,
  notary: {} as Notary,
  sealing: new Uint8Array(32),
};

/** From 0 to `most`, the same for the same seed. */
function chances(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * (most + 1));
  };
}

const one = <Item>(items: readonly Item[], chance: (most: number) => number): Item =>
  items[chance(items.length - 1)] as Item;

/** A farm in the middle of something, drawn: all that may be said about builds is said of some. */
async function drawFarm(chance: (most: number) => number): Promise<void> {
  const nodes: { readonly id: string; readonly operator: string; readonly tier: 'trusted' | 'volunteer' }[] = [];
  for (let at = 0; at < 14; at += 1) {
    const node = {
      id: `n${at}`,
      operator: `op-${chance(8)}`,
      tier: one(['trusted', 'volunteer', 'volunteer'] as const, chance),
    };
    nodes.push(node);
    await foreman.node(node.id, node.operator, node.tier);
    await foreman.alter(
      'UPDATE nodes SET network = ?, feeds = nullif(?, ?), images = ?, joined_at = 0, last_seen_at = ? WHERE id = ?',
      ...[`net-${chance(9)}`, one(['', `["${FEED}"]`], chance), '', String(chance(1) * 50)],
      ...[String(Date.now() - chance(2) * 30_000), node.id],
    );
  }
  await foreman.measured(5, 0);
  for (let at = 0; at < BUILDS; at += 1) {
    const repositories = chance(3) === 0 ? [`own ${FEED}/x`] : [];
    const target = one(['x86/64', 'x86/64', 'ath79/generic'], chance);
    const intentHash = String(at).padStart(64, '0');
    const status = await foreman.submit({
      intentHash,
      request: { ...submission().request, repositories, target },
    });
    const hash = 'requestHash' in status ? status.requestHash : '';
    const whom = repositories.length > 0 ? schema.WHOM.optedIn : one([schema.WHOM.anyone, schema.WHOM.another], chance);
    await foreman.alter(
      'UPDATE builds SET needs_trust = ?, draw = ?, queued_at = ? WHERE request_hash = ?',
      ...[String(whom), `draw ${at}`, String(Date.now() - chance(5) * 3 * MINUTE_MS), hash],
    );
    for (let voted = chance(2); voted > 0; voted -= 1) {
      const by = one(nodes, chance);
      await foreman.alter(
        `INSERT OR IGNORE INTO votes (request_hash, operator, node_id, tier, lease_id, network, outcome, digest, inputs, at, verdict)
         VALUES (?, ?, ?, ?, 'l', ?, 'image', ?, 'i', ?, ?)`,
        ...[hash, by.operator, by.id, by.tier, `net-${chance(9)}`, `d${chance(1)}`],
        ...[String(Date.now() - chance(4) * 5 * MINUTE_MS), one(['open', 'open', 'moot'], chance)],
      );
    }
    for (let tried = chance(2); tried > 0; tried -= 1)
      await foreman.alter(
        `INSERT INTO leases (id, request_hash, node_id, idempotency_key, attempt, state, pins, granted_at, expires_at, deadline_at,
           end_reason, last_sequence) VALUES (?, ?, ?, ?, 1, 'ended', '{}', ?, 0, 0, ?, ?)`,
        ...[crypto.randomUUID(), hash, one(nodes, chance).id, `${one(['brought:', ''], chance)}${crypto.randomUUID()}`],
        ...[
          String(Date.now() - chance(3) * 40_000),
          one(['handed back: x', 'node_lost: x'], chance),
          String(chance(1)),
        ],
      );
  }
}

const inTables = <Answer>(work: (state: ForemanState) => Answer): Promise<Answer> =>
  runInDurableObject(foreman.stub, (_, { storage }) =>
    work(foremanState(drizzle(storage, { schema }), configOf(env), ways)),
  );

test.each([1, 2, 3, 4])(
  'in a farm that is drawn, by %d',
  async (seed) => {
    await foreman.policy({ canary_one_in: 0 });
    await drawFarm(chances(seed));
    const seen = await inTables((state) => {
      const now = Date.now();
      const counts = { given: 0, missed: [] as string[], lookedAt: 0, passedOver: 0 };
      for (let at = 0; at < 14; at += 1) {
        const node = state.nodes.byId(`n${at}`);
        if (node?.tier !== 'volunteer') continue;
        const who = new WhoIsHere(state, () => now);
        const { anyone, another, optedIn } = schema.WHOM;
        const page = state.queue.line.candidates(now, [anyone, another, optedIn], BUILDS);
        const isLookedAt = glanceOf(state, node, who)(page, now);
        for (const { requestHash } of page) {
          const build = state.queue.byHash(requestHash);
          if (!build) continue;
          const wanted = wantedOf(state, build, now);
          const isGiven = isOfUse(node, wanted) && isItsTurn(state, node, wanted, new WhoIsHere(state, () => now), now);
          // One that is for trusted nodes by now leaves the sight of volunteers when it is looked at.
          const mustBe = isGiven || ruleOf(state, build.request).builders === 'trusted';
          if (isGiven) counts.given += 1;
          if (isLookedAt.has(requestHash)) counts.lookedAt += 1;
          else counts.passedOver += 1;
          if (mustBe && !isLookedAt.has(requestHash)) counts.missed.push(`${node.id} ${requestHash}`);
        }
      }
      return counts;
    });
    expect(seen.missed).toEqual([]);
    expect(seen.given).toBeGreaterThan(0);
    expect(seen.passedOver).toBeGreaterThan(seen.given);
  },
  120_000,
);

test('a page is looked at by indexes', async () => {
  await foreman.node('v', 'op', 'volunteer');
  await foreman.submit(submission());
  const plans = await plansOf(foreman.stub, (db) => {
    const state = foremanState(db, configOf(env), ways);
    const node = state.nodes.byId('v');
    if (!node) throw new Error('expected the node');
    glanceOf(state, node, new WhoIsHere(state, Date.now))(state.queue.line.candidates(0, [0], 9), 0);
  });
  expect(plans.filter((plan) => /^SCAN (?:builds|votes|leases|nodes)/.test(plan))).toEqual([]);
});
