/**
 * What happens in a run of chaos, and when: a pure function of a seed and a length, so that whoever saw a fault can have the same
 * weather and the same visitors again. What processes make of it is theirs, and differs from run to run.
 */
import { seeded } from '../../bench/random.ts';
import { CLIENTS, type ClientName, drawWish, SCRIPT_CLIENTS, type Wish } from './wishes.ts';

export const FAULTS = ['kill', 'freeze', 'cut', 'slow', 'fill'] as const;
export type FaultName = (typeof FAULTS)[number];

/** `visitors`: the line between clients and edge. A node's and the store's lines lead to the edge. */
export const TARGETS = ['edge', 'store', 'visitors', 'trusted-1', 'trusted-2', 'volunteer-1', 'volunteer-2'] as const;
export type TargetName = (typeof TARGETS)[number];

export const NODES = ['trusted-1', 'trusted-2', 'volunteer-1', 'volunteer-2'] as const satisfies readonly TargetName[];
export type NodeName = (typeof NODES)[number];

const OF_A_PROCESS = ['kill', 'freeze', 'cut', 'slow', 'fill'] as const;

/** What may befall whom. The edge has no line and no disk of its own here: those of its callers, and the store's, are cut and filled. */
export const MAY_BEFALL: Readonly<Record<TargetName, readonly FaultName[]>> = {
  edge: ['kill', 'freeze'],
  store: OF_A_PROCESS,
  visitors: ['cut', 'slow'],
  'trusted-1': OF_A_PROCESS,
  'trusted-2': OF_A_PROCESS,
  'volunteer-1': OF_A_PROCESS,
  'volunteer-2': OF_A_PROCESS,
};

export interface PlannedFault {
  readonly fault: FaultName;
  readonly target: TargetName;
  readonly startMs: number;
  /** It is over by the end of the storm. */
  readonly endMs: number;
}

export interface PlannedVisit {
  readonly atMs: number;
  readonly client: ClientName;
  readonly wish: Wish;
  /** Asks once and never comes back. */
  readonly leaves: boolean;
}

export interface Plan {
  readonly seed: number;
  readonly lengthMs: number;
  /** By their start. Those of one target do not overlap. */
  readonly faults: readonly PlannedFault[];
  readonly visits: readonly PlannedVisit[];
}

/** Between the starts of two faults, anywhere. Some of them are under way at a time. */
const FAULT_EVERY_MS = [1_500, 6_000] as const;
const FAULT_LASTS_MS = [1_000, 20_000] as const;
/** A target has so long to come to itself. */
const RESPITE_MS = 3_000;
const VISIT_EVERY_MS = [300, 3_500] as const;
const LEAVES_ONE_IN = 6;
/** Nobody comes any more: whoever came last has some weather too. */
const LAST_VISIT_BEFORE_END_MS = 3_000;

export function chaosPlan(seed: number, lengthMs: number): Plan {
  return { seed, lengthMs, faults: plannedFaults(seed, lengthMs), visits: plannedVisits(seed ^ 0x5eed, lengthMs) };
}

function plannedFaults(seed: number, lengthMs: number): readonly PlannedFault[] {
  const random = seeded(seed);
  const faults: PlannedFault[] = [];
  const freeFrom = new Map<TargetName, number>();
  for (let startMs = between(random, FAULT_EVERY_MS); startMs < lengthMs; startMs += between(random, FAULT_EVERY_MS)) {
    const free = TARGETS.filter((target) => (freeFrom.get(target) ?? 0) <= startMs);
    const lastsMs = between(random, FAULT_LASTS_MS);
    const [target, which] = [pick(random, free), random()];
    if (target === undefined) continue;
    const fault = MAY_BEFALL[target][Math.floor(which * MAY_BEFALL[target].length)] ?? 'kill';
    const endMs = Math.min(lengthMs, startMs + lastsMs);
    faults.push({ fault, target, startMs, endMs });
    freeFrom.set(target, endMs + RESPITE_MS);
  }
  return faults;
}

function plannedVisits(seed: number, lengthMs: number): readonly PlannedVisit[] {
  const random = seeded(seed);
  const visits: PlannedVisit[] = [];
  const wishes: Wish[] = [];
  const lastMs = Math.max(0, lengthMs - LAST_VISIT_BEFORE_END_MS);
  for (let atMs = 0; atMs <= lastMs; atMs += between(random, VISIT_EVERY_MS)) {
    const wish = drawWish(random, wishes);
    wishes.push(wish);
    const client = pick(random, wish.kind === 'script' ? SCRIPT_CLIENTS : CLIENTS) ?? 'owut';
    visits.push({ atMs, client, wish, leaves: random() < 1 / LEAVES_ONE_IN });
  }
  return visits;
}

const between = (random: () => number, [least, most]: readonly [number, number]): number =>
  Math.round(least + random() * (most - least));

const pick = <T>(random: () => number, items: readonly T[]): T | undefined =>
  items[Math.floor(random() * items.length)];
