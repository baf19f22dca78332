/**
 * Farms through days in which nodes break, are mended, switched off and set aside by operators. Whatever happens, the Foreman
 * itself never drains so many that too few are left; and still one broken node among others that work never goes on.
 */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { fc } from '../../../shared/chance.fixture.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { TOO_MANY_FAULTS } from '../../../shared/node/node-faults.ts';
import { openUpstream, type Row } from '../../edge.fixture.ts';
import { AHEAD, failed, type OpenedForeman, openForeman } from '../foreman.fixture.ts';

const HOUR_MS = 3_600_000;
/** As docs/node.md has it. */
const PRESENT_MS = 60_000;
const LEFT_MS = 30 * 24 * HOUR_MS;

beforeAll(async () => {
  await openUpstream();
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
});
afterAll(() => {
  vi.useRealTimers();
});

interface Farm {
  readonly foreman: OpenedForeman;
  readonly ids: readonly string[];
  readonly broken: Set<string>;
  readonly off: Set<string>;
}

let intents = 0;

async function openFarm(trusted: number, volunteers: number): Promise<Farm> {
  const foreman = openForeman();
  const ids: string[] = [];
  for (let at = 0; at < trusted + volunteers; at += 1)
    ids.push(await foreman.node(`n${at}`, `op-${at}`, at < trusted ? 'trusted' : 'volunteer'));
  return { foreman, ids, broken: new Set(), off: new Set() };
}

const nodesOf = ({ foreman }: Farm): Promise<Row[]> => foreman.rows('nodes');

/** Whoever is switched on asks, and goes on asking. */
async function pass({ foreman, ids, off }: Farm, ms: number): Promise<void> {
  vi.setSystemTime(Date.now() + ms);
  await Promise.all(ids.filter((id) => !off.has(id)).map((id) => foreman.calls.renew(id).catch(() => undefined)));
}

/**
 * It gets a build, and fails or finds that it is impossible: a word about the request is a word, and needs no files. What it
 * failed another one ends, or an operator where all are broken.
 */
async function build(farm: Farm, id: string): Promise<void> {
  const { foreman, broken, off } = farm;
  await pass(farm, 1_000);
  await foreman.submit({ intentHash: sha256Hex(`dry ${++intents}`) });
  const order = await foreman.lease(id);
  if (order) await foreman.report(id, order.leaseId, 1, failed(broken.has(id) ? 'disk_full' : 'conflict'));
  if (order && !broken.has(id)) return;
  for (const other of farm.ids.filter((each) => each !== id && !broken.has(each) && !off.has(each))) {
    const rescued = await foreman.lease(other);
    if (rescued) await foreman.report(other, rescued.leaseId, 1, failed('conflict'));
  }
  for (const row of await foreman.rows('builds'))
    if (row.finished_at === null) await foreman.calls.cancel(String(row.request_hash));
}

const isDrainedByItself = (row: Row): boolean => row.state === 'draining' && row.state_by === 'foreman';

/** Of those that are believed as much as the ones that were drained in one step. */
function expectEnoughLeft(before: readonly Row[], after: readonly Row[]): void {
  const drainedBefore = new Set(before.filter(isDrainedByItself).map(({ id }) => id));
  const drained = after.filter((row) => isDrainedByItself(row) && !drainedBefore.has(row.id));
  if (drained.length === 0) return;
  const ofTrusted = drained.some(({ tier }) => tier === 'trusted');
  const equals = after.filter(({ tier }) => tier === 'trusted' || !ofTrusted);
  const seenFor = (row: Row) => Date.now() - Number(row.last_seen_at);
  const active = equals.filter((row) => row.state === 'active' && seenFor(row) < PRESENT_MS);
  const setAside = equals.filter((row) => isDrainedByItself(row) && seenFor(row) < LEFT_MS);
  expect(active.length).toBeGreaterThanOrEqual(setAside.length);
}

const MOST = 7;
const which = fc.nat(MOST - 1);
const happening = fc.oneof(
  { weight: 8, arbitrary: fc.record({ what: fc.constant('builds' as const), which }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constantFrom('breaks' as const, 'is mended' as const), which }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constantFrom('goes' as const, 'comes back' as const), which }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constantFrom('drain' as const, 'undrain' as const, 'quarantine' as const, 'release' as const),
      which,
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('pass' as const), hours: fc.integer({ min: 1, max: 200 }) }) },
);

type Happening = typeof happening extends fc.Arbitrary<infer Event> ? Event : never;

async function happens(farm: Farm, event: Happening): Promise<void> {
  const { foreman, ids, broken, off } = farm;
  if (event.what === 'pass') return pass(farm, event.hours * HOUR_MS);
  const id = ids[event.which % ids.length] as string;
  if (event.what === 'breaks') broken.add(id);
  else if (event.what === 'is mended') broken.delete(id);
  else if (event.what === 'goes') off.add(id);
  else if (event.what === 'comes back') off.delete(id);
  else if (event.what !== 'builds') await foreman.calls.actOnNode(id, event.what, '');
  else if (!off.has(id)) for (let times = 0; times < TOO_MANY_FAULTS; times += 1) await build(farm, id);
}

test('when the Foreman drains nodes, as many are left as were drained, whatever happened before', async () => {
  const shape = fc.record({
    trusted: fc.integer({ min: 1, max: 4 }),
    volunteers: fc.integer({ min: 0, max: 3 }),
    events: fc.array(happening, { minLength: 10, maxLength: 30 }),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ trusted, volunteers, events }) => {
      const farm = await openFarm(trusted, volunteers);
      let before = await nodesOf(farm);
      for (const event of events) {
        await happens(farm, event);
        const after = await nodesOf(farm);
        expectEnoughLeft(before, after);
        before = after;
      }
    }),
    { numRuns: 12 },
  );
}, 240_000);

test('half of a farm stays through weeks in which all break and whoever is drained is switched off', async () => {
  const shape = fc.record({
    nodes: fc.integer({ min: 1, max: MOST }),
    breaks: fc.array(fc.record({ which, hours: fc.integer({ min: 1, max: 40 }) }), { minLength: 8, maxLength: 16 }),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ nodes, breaks }) => {
      const farm = await openFarm(nodes, 0);
      for (const { which: at, hours } of breaks) {
        const id = `n${at % nodes}`;
        if (farm.off.has(id)) continue;
        farm.broken.add(id);
        await pass(farm, hours * HOUR_MS);
        for (let times = 0; times < TOO_MANY_FAULTS; times += 1) await build(farm, id);
        const rows = await nodesOf(farm);
        for (const row of rows.filter(isDrainedByItself)) farm.off.add(String(row.id));
        expect(rows.filter(({ state }) => state === 'active').length).toBeGreaterThanOrEqual(nodes / 2);
      }
    }),
    { numRuns: 10 },
  );
}, 240_000);

test('one broken node among others that work is drained by its third build, whoever builds when', async () => {
  const shape = fc.record({
    others: fc.integer({ min: 1, max: 5 }),
    tier: fc.constantFrom('trusted' as const, 'volunteer' as const),
    between: fc.array(fc.array(which, { maxLength: 4 }), { minLength: 3, maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ others, tier, between }) => {
      const farm = await openFarm(others, 0);
      const id = await farm.foreman.node('broken', 'op-broken', tier);
      const all: Farm = { ...farm, ids: [...farm.ids, id] };
      all.broken.add(id);
      for (const those of between) {
        for (const at of those) await build(all, `n${at % others}`);
        await build(all, id);
      }
      expect((await nodesOf(all)).find((row) => row.id === id)).toMatchObject({ state: 'draining' });
    }),
    { numRuns: 10 },
  );
}, 240_000);
