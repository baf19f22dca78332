/**
 * When is a node itself what is wrong? A machine whose disk or network is broken fails within moments and is the first to ask
 * again, so it would go through the whole queue. But a build may be what breaks machines, and an outage breaks all of them at
 * once: a rule that cannot tell these apart would let one request empty the farm.
 */
import { BUILD_ERRORS, type BuildErrorKind, isBuildErrorKind } from './build-error.ts';

export interface NodeFault {
  readonly requestHash: string;
  readonly kind: BuildErrorKind;
}

/** Builds that failed on this node one after the other, and on no other node. */
export interface FaultsInARow {
  readonly faults: readonly NodeFault[];
  /** Milliseconds since 1970; 0 for never. */
  readonly lastFaultAt: number;
}

export const NO_FAULTS: FaultsInARow = { faults: [], lastFaultAt: 0 };

/** So many in a row, and the node is drained. */
export const TOO_MANY_FAULTS = 3;

/**
 * One fault more. What was given to the node before its last fault failed for the same cause (a node with eight slots loses
 * eight builds when somebody pulls its plug), and the same build says nothing new.
 */
export function withFault(row: FaultsInARow, fault: NodeFault, grantedAt: number, now: number): FaultsInARow {
  if (grantedAt < row.lastFaultAt || row.faults.some(({ requestHash }) => requestHash === fault.requestHash))
    return row;
  return { faults: [...row.faults, fault].slice(-TOO_MANY_FAULTS), lastFaultAt: now };
}

/** Another node failed at this build as well: it was the build. */
export const withoutBuild = (row: FaultsInARow, requestHash: string): FaultsInARow => ({
  ...row,
  faults: row.faults.filter((fault) => fault.requestHash !== requestHash),
});

export const areTooMany = ({ faults }: FaultsInARow): boolean => faults.length >= TOO_MANY_FAULTS;

/**
 * May it be drained for that? `able`: other nodes that are present and could take its work; `setAside`: those that were drained
 * for faults of theirs already. At least half stays: when most machines fail, it is not the machines.
 */
export const canBeSpared = (able: number, setAside: number): boolean => able > setAside;

/** What its operator reads. */
export const toldFaults = ({ faults }: FaultsInARow): string =>
  `${faults.length} different builds in a row failed on this node, and on no other, for reasons that are not theirs: ${faults.map(({ kind }) => kind).join(', ')}`;

/** Did a lease end by a fault of its node? By the reason that is noted with it, which begins with the kind of failure. */
export function isFault(endReason: string | null): boolean {
  const kind = endReason?.split(':', 1)[0] ?? '';
  return isBuildErrorKind(kind) && BUILD_ERRORS[kind].retry === 'elsewhere';
}
