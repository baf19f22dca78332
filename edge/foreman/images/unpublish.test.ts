/** Whatever happens between what, and however slowly: who was told of an image can fetch it. */
import { afterEach, expect, it, vi } from 'vitest';
import { seeded } from '../../../bench/random.ts';
import { buildRecord } from '../../../shared/build/build-record.fixture.ts';
import { type BuildRecord, storeKey } from '../../../shared/build/build-record.ts';
import { fc } from '../../../shared/chance.fixture.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import type { StoredStatements } from '../../../shared/trust/provenance.ts';
import { FILES_STAY_MS, LEAVES_KV_MS, LIFETIMES } from '../../lifetimes.ts';
import type { BuiltResult, Result } from '../../results/kept-result.ts';
import { resultKey } from '../../results/result-key.ts';
import { Results } from '../../results/results.ts';
import { publish } from '../publishing/publish.ts';
import type { ImageRow } from '../schema.ts';
import { type Caller, type Chance, Crashed, SlowWorld } from '../slow-world.fixture.ts';
import { type Unpublishing, unpublishStep } from './unpublish.ts';

afterEach(() => vi.restoreAllMocks());

const FILE = 'image.bin';
const INTENT = sha256Hex('an intent');
const statements = {} as StoredStatements;

const generation = (n: number): BuildRecord => {
  const text = `image ${n}`;
  const requestHash = sha256Hex(`generation ${n}`);
  return buildRecord({
    requestHash,
    intentHash: INTENT,
    generation: n,
    leaseId: `lease-${n}`,
    files: [{ name: FILE, sizeBytes: text.length, sha256: sha256Hex(text) }],
  });
};

interface Told {
  readonly record: Pick<BuildRecord, 'requestHash' | 'leaseId'>;
  readonly at: number;
}

class Edge {
  readonly world: SlowWorld;
  readonly isolates: readonly Results[];
  readonly told: Told[] = [];
  readonly filesGoneAt = new Map<string, number>();
  readonly published = new Set<string>();
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
    this.world = new SlowWorld(chance);
    vi.spyOn(performance, 'now').mockImplementation(() => this.world.time.now);
    this.isolates = [0, 1, 2].map(() => this.newIsolate());
  }

  newIsolate(): Results {
    return new Results(this.world.kv(), this.world.store());
  }

  /** Known from the moment in which it was asked for; it takes a while to build it. */
  async build(record: BuildRecord): Promise<void> {
    this.published.add(record.requestHash);
    await this.world.time.sleep(LIFETIMES.callMs);
    await this.publish(record);
  }

  async publish(record: BuildRecord): Promise<void> {
    this.published.add(record.requestHash);
    this.world.objects.set(storeKey.object(record.leaseId, FILE), `image ${record.generation}`);
    await publish(record, statements, this.world.store(), this.world.kv());
  }

  /** A POST or a poll as build-service.ts and find-build.ts go about it. */
  async ask(isolate: Results, what: 'intent' | BuildRecord): Promise<void> {
    const { now } = this.world.time;
    const key = what === 'intent' ? resultKey.intent(INTENT) : resultKey.build(what.requestHash);
    const near: Result | undefined = isolate.inMemory(key) ?? (await isolate.fromCache(key));
    const result =
      near ??
      (what === 'intent'
        ? await isolate.latestFromStore(INTENT, now, () => true)
        : await isolate.buildFromStore(what.requestHash, now));
    if (result?.kind !== 'built') return;
    const told = { record: result.record, at: this.world.time.now };
    this.told.push(told);
    await this.world.time.sleep(this.#chance(LIFETIMES.fetchMs - LIFETIMES.callMs));
    await this.fetch(this.isolates[this.#chance(this.isolates.length - 1)] ?? isolate, told);
  }

  async fetch(isolate: Results, { record: { requestHash, leaseId } }: Told): Promise<void> {
    const key = resultKey.build(requestHash);
    const found: Result | BuiltResult | undefined =
      isolate.inMemory(key) ??
      (await isolate.fromCache(key)) ??
      (await isolate.fetchableFromStore(requestHash, this.world.time.now));
    expect(found?.kind).toBe('built');
    expect(await this.world.store().head(storeKey.object(leaseId, FILE))).toMatchObject({ exists: true });
  }

  /** As keep-to-budget.ts has it done; it stops somewhere from time to time, and begins anew where its row says. */
  async unpublish(
    { requestHash, intentHash, leaseId }: BuildRecord,
    callerOf = (): Caller => (this.#chance(3) === 0 ? { callsLeft: this.#chance(6) } : {}),
  ): Promise<void> {
    let row: ImageRow = {
      ...{ requestHash, intentHash, leaseId, bytes: 7, isPrivate: false, servedAt: 0 },
      ...{ state: 'leaving', step: 0, dueAt: this.world.time.now },
    };
    for (;;) {
      const caller = callerOf();
      const ways: Unpublishing = {
        store: this.world.store(caller),
        cache: this.world.kv(caller),
        isRecalled: () => false,
        hasSuccessor: (image) => image.requestHash !== [...this.published].at(-1),
        removeFiles: async (id) => {
          // From the first of them on the image is not whole.
          if (!this.filesGoneAt.has(requestHash)) this.filesGoneAt.set(requestHash, this.world.time.now);
          await this.world.store(caller).delete(storeKey.object(id, FILE));
        },
        now: () => this.world.time.now,
      };
      try {
        const after = await unpublishStep(ways, row);
        if (after === 'gone') return;
        row = { ...row, ...after };
      } catch (error) {
        if (!(error instanceof Crashed)) throw error;
        row = { ...row, dueAt: this.world.time.now + 3_000 };
      }
      await this.world.time.sleep(row.dueAt - this.world.time.now);
    }
  }
}

/** Every other draw is of the ends: there it would go wrong. */
function drawnFrom(seed: number): Chance {
  const random = seeded(seed);
  return (max) => {
    const end = Math.floor(random() * 4);
    return end === 0 ? 0 : end === 1 ? max : Math.floor(random() * (max + 1));
  };
}

/** From before it is unpublished until long after. */
const BEFORE_MS = 20 * 60_000;
const SPAN_MS = BEFORE_MS + LEAVES_KV_MS.reduce((one, other) => one + other) + FILES_STAY_MS;

it('nobody who was told of an image misses a file of it, whoever reads, writes, remembers, hangs or stops meanwhile', async () => {
  let answers = 0;
  let late = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const chance = drawnFrom(seed);
      const edge = new Edge(chance);
      const [first, second] = [generation(1), generation(2)];
      const { time } = edge.world;
      const failures: unknown[] = [];
      const later = (ms: number, work: () => Promise<void>): void =>
        void time
          .sleep(ms)
          .then(work)
          .catch((error) => failures.push(error));
      later(0, () => edge.publish(first));
      later(BEFORE_MS, () => edge.unpublish(first));
      // Whoever asks then reads the record, and writes KV when it may be gone already.
      if (chance(1) === 1) later(BEFORE_MS - chance(LIFETIMES.callMs), async () => edge.world.emptyKv());
      if (chance(1) === 1) later(chance(SPAN_MS), () => edge.build(second));
      for (let left = 4 + chance(12); left > 0; left -= 1) {
        const isolate = edge.isolates[chance(2)] as Results;
        // Most of them while it is being unpublished.
        const at = chance(2) === 0 ? chance(SPAN_MS) : BEFORE_MS - LIFETIMES.callMs + chance(3 * LIFETIMES.callMs);
        later(at, () => edge.ask(isolate, chance(1) === 0 ? 'intent' : first));
      }
      await time.run();
      expect(failures).toEqual([]);
      // Nor is anybody told of it ever after.
      const { length } = edge.told;
      for (const what of ['intent', first] as const) later(SPAN_MS, () => edge.ask(edge.newIsolate(), what));
      await time.run();
      expect(edge.told.slice(length).filter(({ record }) => record.requestHash === first.requestHash)).toEqual([]);
      const goneAt = edge.filesGoneAt.get(first.requestHash) ?? Number.NaN;
      const ofFirst = edge.told.filter(({ record }) => record.requestHash === first.requestHash);
      for (const { at } of ofFirst) expect(goneAt - at).toBeGreaterThanOrEqual(LIFETIMES.fetchMs);
      answers += ofFirst.length;
      late += ofFirst.filter(({ at }) => at > 1_800_000_000_000 + BEFORE_MS).length;
      // Of what went nothing is left; of its successor nothing is missing.
      const isOfFirst = ([key, text]: [string, string]) =>
        key === storeKey.build(first.requestHash) || key.includes('lease-1') || text.includes(first.requestHash);
      expect([...edge.world.objects].filter(isOfFirst)).toEqual([]);
      if (edge.published.has(second.requestHash))
        expect([...edge.world.objects.keys()]).toEqual(
          expect.arrayContaining([storeKey.build(second.requestHash), storeKey.intent(INTENT)]),
        );
    }),
    // A smaller seed is no simpler world.
    { numRuns: 40, endOnFailure: true },
  );
  // Else it would prove nothing.
  expect(answers).toBeGreaterThan(40);
  expect(late).toBeGreaterThan(5);
});

it('the last who can be told of an image, by the slowest of all ways, has time to fetch it', async () => {
  const { kvSettlesMs, callMs, resultInMemoryMs, fetchMs } = LIFETIMES;
  const edge = new Edge(() => 0);
  const { world } = edge;
  const { time } = world;
  const image = generation(1);
  const isPublished = edge.publish(image);
  await time.run();
  await isPublished;
  world.emptyKv();
  const began = time.now + 1;
  const failures: unknown[] = [];
  const at = (ms: number, work: () => Promise<unknown>): void =>
    void time
      .sleep(began + ms - time.now)
      .then(work)
      .catch((error) => failures.push(error));
  const of = (caller: Caller) => new Results(world.kv(caller), world.store(caller));
  // Has read the record just before it is marked, and hangs before it writes that into KV.
  const writer = of({ waitsMs: (method) => [method === 'put' ? callMs - 2 : 0, 0] });
  at(-1, () => edge.ask(writer, image));
  at(0, () => edge.unpublish(image, () => ({ waitsMs: () => [0, 0] })));
  // Reads that where KV was last deleted from so long ago that it does not know of it yet, and hangs with it.
  const reader = of({ kvAgeMs: kvSettlesMs, waitsMs: (method) => (method === 'get' ? [0, callMs] : [0, 0]) });
  const read = kvSettlesMs + callMs + kvSettlesMs - 1;
  at(read, () => edge.ask(reader, image));
  // Tells what it remembers.
  const last = read + callMs + resultInMemoryMs - 1;
  at(last, () => edge.ask(reader, image));
  // Nor does what the first has written lie in KV for ever.
  at(10 * fetchMs, () => edge.ask(edge.newIsolate(), image));
  await time.run();
  expect(failures).toEqual([]);
  expect(edge.told.map((told) => told.at - began)).toEqual([callMs - 3, read + callMs, last]);
  expect((edge.filesGoneAt.get(image.requestHash) ?? Number.NaN) - began).toBeGreaterThanOrEqual(last + fetchMs);
});

it('what was published under its name since, of another lease, stays as it is', async () => {
  const edge = new Edge(() => 0);
  const { world } = edge;
  const [before, since] = [generation(1), { ...generation(1), leaseId: 'lease-2' }];
  const isPublished = edge.publish(before).then(() => edge.publish(since));
  await world.time.run();
  await isPublished;
  const names = [storeKey.build(since.requestHash), storeKey.intent(INTENT), storeKey.object('lease-2', FILE)];
  const whole = names.map((key) => world.objects.get(key));
  const isGone = edge.unpublish(before, () => ({}));
  await world.time.run();
  await isGone;
  expect(names.map((key) => world.objects.get(key))).toEqual(whole);
  expect(whole).not.toContain(undefined);
  expect(world.objects.has(storeKey.object('lease-1', FILE))).toBe(false);
});
