/** How a case stands to what was measured beside it, round by round. */
import { median } from './median.ts';
import { quantile } from './quantile.ts';

export interface Round {
  readonly requestsPerSecond: number;
  /** Microseconds a request; null where the system does not tell. */
  readonly processorUs: number | null;
}

export interface Ratio {
  /** Of the medians of requests a second. */
  readonly rate: number;
  /** A quarter of all rounds is below, and a quarter above. */
  readonly low: number;
  readonly high: number;
  /** The same by processor time a request, however busy the machine is. */
  readonly byProcessor: number | null;
}

/** Rounds that stand at the same place were measured one after the other. */
export function ratioOf(ours: readonly Round[], theirs: readonly Round[]): Ratio {
  const rate = (of: readonly Round[]) => median(of.map(({ requestsPerSecond }) => requestsPerSecond));
  const rounds = ours.flatMap((round, at) => {
    const beside = theirs[at]?.requestsPerSecond;
    return beside ? [round.requestsPerSecond / beside] : [];
  });
  const [ourUs, theirUs] = [processorUs(ours), processorUs(theirs)];
  return {
    rate: rate(ours) / rate(theirs),
    low: quantile(rounds, 0.25),
    high: quantile(rounds, 0.75),
    byProcessor: ourUs && theirUs ? theirUs / ourUs : null,
  };
}

/** Median of those that are known. */
export function processorUs(of: readonly Round[]): number | null {
  const known = of.flatMap(({ processorUs: us }) => (us === null ? [] : [us]));
  return known.length === 0 ? null : median(known);
}
