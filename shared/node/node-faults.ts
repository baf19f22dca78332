/**
 * When is a node itself what is wrong? A machine whose disk or network is broken fails within moments and is the first to ask
 * again, so it would go through the whole queue. But a build may be what breaks machines, and an outage breaks all of them at
 * once: a rule that cannot tell these apart would let one request empty the farm. Which it was is known once the build has
 * ended; if two that failed excused each other before, two broken machines would do so for ever.
 */
import { BUILD_ERRORS, type BuildErrorKind, isBuildErrorKind } from '../build/build-error.ts';

export interface NodeFault {
  readonly requestHash: string;
  readonly kind: BuildErrorKind;
  /** Milliseconds since 1970. Absent, like `blame`, where an edge of before noted it: long ago, and alone. */
  readonly at?: number;
  /**
   * `alone`: no other node that says as much failed at this build, as far as is known. `shared`: one did, and it may be the
   * build. `own`: another node came to an end with it, so it was the machine.
   */
  readonly blame?: 'alone' | 'shared' | 'own';
}

/** Of one node: builds that failed on it one after the other, the eldest first. */
export type FaultsInARow = readonly NodeFault[];

/** So many that are not shared, and the node is drained. */
export const TOO_MANY_FAULTS = 3;

/**
 * The first are kept, not the last: a queue is built from its head, so these are the builds of which will be known first whose
 * fault it was.
 */
export const MOST_FAULTS = 16;

/** 0 for never. */
export const lastFaultAt = (faults: FaultsInARow): number => Math.max(0, ...faults.map(({ at }) => at ?? 0));

/**
 * One fault more. What was given to the node before its last fault failed for the same cause (a node with eight slots loses
 * eight builds when somebody pulls its plug), and the same build says nothing new.
 */
export function withFault(faults: FaultsInARow, fault: NodeFault, grantedAt: number): FaultsInARow {
  const isNew = grantedAt >= lastFaultAt(faults) && !has(faults, fault.requestHash);
  return isNew && faults.length < MOST_FAULTS ? [...faults, fault] : faults;
}

export const has = (faults: FaultsInARow, requestHash: string): boolean =>
  faults.some((fault) => fault.requestHash === requestHash);

/** Another node failed at this build as well, and it is not known yet whose fault it is. */
export const withShared = (faults: FaultsInARow, requestHash: string): FaultsInARow =>
  faults.map((fault) =>
    fault.requestHash === requestHash && fault.blame !== 'own' ? { ...fault, blame: 'shared' } : fault,
  );

/** Another node came to an end with this build: it was the machine, whoever else failed. */
export const withBlame = (faults: FaultsInARow, requestHash: string): FaultsInARow =>
  faults.map((fault) => (fault.requestHash === requestHash ? { ...fault, blame: 'own' } : fault));

/** The build ended and nobody could make it: it was the build, where others failed at it as well. */
export const withoutShared = (faults: FaultsInARow, requestHash: string): FaultsInARow =>
  faults.filter((fault) => fault.requestHash !== requestHash || fault.blame !== 'shared');

/** The node came to a right end with it after all. */
export const withoutBuild = (faults: FaultsInARow, requestHash: string): FaultsInARow =>
  faults.filter((fault) => fault.requestHash !== requestHash);

const counted = (faults: FaultsInARow): FaultsInARow => faults.filter(({ blame }) => blame !== 'shared');

export const areTooMany = (faults: FaultsInARow): boolean => counted(faults).length >= TOO_MANY_FAULTS;

/** Too few even if all of them are its own: one that was drained builds again. Until that is known it would only go to and fro. */
export const areFew = (faults: FaultsInARow): boolean => faults.length < TOO_MANY_FAULTS;

/**
 * May it be drained for that? `able`: other nodes that are present and could take its work; `setAside`: those that were drained
 * for faults of theirs already. At least half stays: when most machines fail, it is not the machines.
 */
export const canBeSpared = (able: number, setAside: number): boolean => able > setAside;

/** What its operator reads. */
export function toldFaults(faults: FaultsInARow): string {
  const kinds = counted(faults).map(({ kind }) => kind);
  return `${kinds.length} different builds in a row failed on this node for reasons that are not theirs: ${kinds.join(', ')}`;
}

/** Did a lease end by a fault of its node? By the reason that is noted with it, which begins with the kind of failure. */
export function isFault(endReason: string | null): boolean {
  const kind = endReason?.split(':', 1)[0] ?? '';
  return isBuildErrorKind(kind) && BUILD_ERRORS[kind].retry === 'elsewhere';
}
