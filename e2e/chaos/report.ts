/** What a run has to tell, whether or not it came to its end. */
import type { Finding } from './audit/finding.ts';
import type { Ledger } from './ledger.ts';
import type { Befallen } from './storm.ts';
import type { VisitEnd } from './visit.ts';

export interface Report {
  readonly seed: number;
  readonly minutes: number;
  readonly befallen: readonly Befallen[];
  readonly visits: Readonly<Record<VisitEnd | 'waiting', number>>;
  readonly ledger: Ledger;
  /** How often the operator had to take up a node again. */
  readonly undrained: number;
  readonly findings: readonly Finding[];
  /** False: it was stopped before it had looked at everything. */
  readonly isWhole: boolean;
}

/** Everything that is wrong, each in a line. */
export const wrongsOf = ({ ledger, findings }: Report): readonly string[] => [
  ...[...ledger.wrongs].map(([why, times]) => (times === 1 ? why : `${why} (${times} times)`)),
  ...findings.flatMap(({ what, wrong }) => wrong.map((why) => `${what}: ${why}`)),
];
