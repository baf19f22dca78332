import { describe, expect, it, test } from 'vitest';
import { DRAW_PATIENCE_MS, drawPatienceMs, isDrawn } from './draw-operator.ts';

const crowd = Array.from({ length: 10 }, (_, at) => `op-${at}`);
const patienceMs = DRAW_PATIENCE_MS;
const drawn = (draw: string, waitedMs: number, able: readonly string[] = crowd): string[] =>
  able.filter((operator) => isDrawn(operator, able, draw, { waitedMs, patienceMs }));

test('one operator is drawn, and another one with each time that passes in vain', () => {
  for (const [at, waitedMs] of [0, patienceMs - 1, patienceMs, 3 * patienceMs, 1e9].entries())
    expect(drawn('secret', waitedMs)).toHaveLength([1, 1, 2, 4, 10][at] ?? 0);
});

test('who was drawn stays it while others wait for their turn', () => {
  const [first] = drawn('secret', 0);
  for (let waited = 0; waited < 9; waited += 1) expect(drawn('secret', waited * patienceMs)).toContain(first);
});

test('who goes has lost its turn at once, and one moves up', () => {
  const [first] = drawn('secret', 0);
  const left = crowd.filter((operator) => operator !== first);
  expect(drawn('secret', 0, left)).toHaveLength(1);
  expect(drawn('secret', patienceMs)).toEqual(expect.arrayContaining(drawn('secret', 0, left)));
});

test('every operator has the same chance, however many nodes it has', () => {
  const many = [...Array.from({ length: 90 }, () => 'op-0'), ...crowd];
  const counts = new Map<string, number>();
  for (let at = 0; at < 2_000; at += 1)
    for (const operator of crowd)
      if (isDrawn(operator, many, `build ${at}`, { waitedMs: 0, patienceMs }))
        counts.set(operator, (counts.get(operator) ?? 0) + 1);
  expect(counts.size).toBe(10);
  for (const n of counts.values()) {
    // Of 2,000 draws 200 each; 60 is more than four standard deviations.
    expect(n).toBeGreaterThan(140);
    expect(n).toBeLessThan(260);
  }
});

test('who is alone is drawn', () => {
  const noWait = { waitedMs: 0, patienceMs };
  expect(isDrawn('op', ['op'], 'x', noWait)).toBe(true);
  expect(isDrawn('op', [], 'x', noWait)).toBe(true);
});

test.each([
  ['of seconds, as liars could make it', 1, 120_000],
  ['of a minute', 60_000, 360_000],
  ['of an hour', 3_600_000, 900_000],
])('where a build takes a time %s, patience is bounded', (_, typicalMs, patience) => {
  expect(drawPatienceMs(typicalMs)).toBe(patience);
});

/** From 0 to 1, the same for the same seed. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const STEP_MS = 5_000;
const BUILD_MS = 60_000;

interface Scene {
  readonly operators: number;
  readonly colluders: number;
  /** Which share of their time honest operators have work. */
  readonly busy: number;
  /** Colluders are there and take nothing. */
  readonly areStalling?: boolean;
}

interface Replica {
  readonly since: number;
  readonly drawnAt: (now: number) => ReadonlySet<string>;
}

/** Who is drawn changes with each time of patience alone, and to work it out is most of what this costs. */
function replica(all: readonly string[], draw: string, since: number): Replica {
  const patience = drawPatienceMs(BUILD_MS);
  const known = new Map<number, ReadonlySet<string>>();
  const drawnAt = (now: number) => {
    const times = Math.floor((now - since) / patience);
    const kept = known.get(times);
    if (kept) return kept;
    const waited = { waitedMs: now - since, patienceMs: patience };
    const set = new Set(all.filter((operator) => isDrawn(operator, all, draw, waited)));
    known.set(times, set);
    return set;
  };
  return { since, drawnAt };
}

/**
 * A farm of operators of one slot each, where replicas come one by one. Colluders have nothing else to do and ask at each moment. An
 * honest one that is free takes a replica that it may take, and else builds something new as often as it takes to be as busy as that.
 */
function farm({ operators, colluders, busy, areStalling }: Scene, seed: number, replicas: number) {
  const chance = chances(seed);
  const all = Array.from({ length: operators }, (_, at) => `op-${at}`);
  const honest = all.slice(colluders);
  const freeAt = new Map(honest.map((operator) => [operator, 0]));
  // Two of three builds are replicas.
  const replicasAStep = (honest.length * busy * STEP_MS * 2) / (3 * BUILD_MS);
  const begins = (busy * STEP_MS) / (BUILD_MS * 3 * (1 - busy) + busy * STEP_MS);
  let waiting: Replica[] = [];
  const taken = { colluders: 0, honest: 0, longestMs: 0 };
  let came = 0;
  for (let now = 0; taken.colluders + taken.honest < replicas; now += STEP_MS) {
    for (let due = replicasAStep; chance() < due; due -= 1) {
      came += 1;
      waiting.push(replica(all, `${seed} ${came}`, now));
    }
    const take = (operator: string): boolean => {
      const mine = waiting.find(({ drawnAt }) => drawnAt(now).has(operator));
      if (!mine) return false;
      waiting = waiting.filter((other) => other !== mine);
      taken.longestMs = Math.max(taken.longestMs, now - mine.since);
      return true;
    };
    if (!areStalling) for (const operator of all.slice(0, colluders)) while (take(operator)) taken.colluders += 1;
    for (const operator of honest) {
      if ((freeAt.get(operator) ?? 0) > now) continue;
      const isReplica = take(operator);
      if (isReplica) taken.honest += 1;
      // From half as long to half as long again.
      if (isReplica || chance() < begins) freeAt.set(operator, now + BUILD_MS * (0.5 + chance()));
    }
  }
  return { share: taken.colluders / (taken.colluders + taken.honest), longestMs: taken.longestMs };
}

describe('operators that keep their machines idle for it', () => {
  it.each([0.1, 0.3].flatMap((share) => [0.5, 0.95].map((busy) => [share, busy] as const)))(
    'are %d of all and get hardly more of the replicas, where the others have work %d of their time',
    (share, busy) => {
      const scene = { operators: 10, colluders: Math.round(10 * share), busy };
      const shares = [1, 2].map((seed) => farm(scene, seed, 1_000).share);
      const mean = shares.reduce((sum, each) => sum + each, 0) / shares.length;
      // 2,000 draws have a standard deviation of 0.01 at most. With 15 s of patience it was 0.15 to 0.55.
      expect(mean).toBeLessThan(share * 1.1 + 0.02);
      expect(mean).toBeGreaterThan(share * 0.8 - 0.02);
    },
  );
});

test('nothing waits for ever where some are drawn, are there, and never come', () => {
  const { longestMs } = farm({ operators: 10, colluders: 6, busy: 0.8, areStalling: true }, 7, 500);
  expect(longestMs).toBeGreaterThan(drawPatienceMs(BUILD_MS));
  expect(longestMs).toBeLessThanOrEqual(10 * drawPatienceMs(BUILD_MS));
});
