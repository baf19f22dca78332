/** The table of `npm run simulate -- --liars`, one column for each day, and what was not as it should be. */
import { PLAYS, type PlayName } from './cast.ts';
import type { TrustFigures } from './trust-figures.ts';

export interface PlayedDay {
  readonly name: PlayName;
  readonly figures: TrustFigures;
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const fine = (share: number): string => `${(share * 100).toFixed(2)} %`;
const duration = (seconds: number): string =>
  seconds <= 120 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} min`;
const spread = (times: { readonly p50: number; readonly p99: number } | null): string =>
  times === null ? '–' : `${duration(times.p50)}; ${duration(times.p99)}`;

type Row = readonly [name: string, cell: (figures: TrustFigures) => string];

const ROWS: readonly Row[] = [
  ['simulated', ({ minutes }) => duration(minutes * 60)],
  ['nodes; of them, that lied', ({ nodes, lyingNodes }) => `${nodes}; ${lyingNodes}`],
  ['results published', ({ results }) => results.toLocaleString('en')],
  ['wrong images published', ({ wrongImages }) => String(wrongImages)],
  ['false failures told', ({ wrongFailures }) => String(wrongFailures)],
  ['  wrong of all published; f^k', ({ wrongShare, reckonedShare }) => `${fine(wrongShare)}; ${fine(reckonedShare)}`],
  ['  taken back; after', ({ takenBack, servedSeconds }) => `${takenBack}; ${spread(servedSeconds)}`],
  ['results taken back in all', ({ withdrawn }) => String(withdrawn)],
  ['work beyond one build a result', ({ extraWork }) => percent(extraWork)],
  ['  of it, checks', ({ checks, results }) => percent(checks / Math.max(1, results))],
  ['lies; held against nothing', ({ lies, liesUnseen }) => `${lies}; ${liesUnseen}`],
  ...(['always', 'seldom', 'careful'] as const).map(
    (manner): Row => [
      `quarantined, that lie ${manner === 'careful' ? 'carefully' : manner}`,
      ({ liars }) => `${liars[manner].caught} of ${liars[manner].lied}`,
    ],
  ),
  ['  after their first lie', ({ toQuarantineSeconds }) => spread(toQuarantineSeconds)],
  ['honest nodes quarantined', ({ honestQuarantined }) => String(honestQuarantined)],
  ['  drained for faults', ({ honestDrained }) => String(honestDrained)],
  ['wait, median; 99 %', ({ waitSeconds }) => spread(waitSeconds)],
  ['processor time', ({ processorSeconds }) => duration(processorSeconds)],
];

interface Limit {
  readonly text: string;
  readonly plays: readonly PlayName[];
  readonly isKept: (figures: TrustFigures) => boolean;
}

/** A patient liar that is proven may get through, by design: that is told and is no failure. */
const LIMITS: readonly Limit[] = [
  {
    text: 'no wrong image published',
    plays: ['trusted', 'honest', 'liars'],
    isKept: ({ wrongImages }) => wrongImages === 0,
  },
  {
    text: 'no false failure told',
    plays: ['trusted', 'honest', 'liars'],
    isKept: ({ wrongFailures }) => wrongFailures === 0,
  },
  { text: 'no honest node quarantined', plays: PLAYS, isKept: ({ honestQuarantined }) => honestQuarantined === 0 },
  { text: 'anything published', plays: PLAYS, isKept: ({ results }) => results > 0 },
];

/** @returns what was not as it should be */
export function printTrustTable(days: readonly PlayedDay[], print: (line: string) => void): string[] {
  const line = (cells: readonly string[]) =>
    print(cells.map((cell, at) => (at === 0 ? cell.padEnd(34) : cell.padStart(18))).join(''));
  line(['', ...days.map(({ name }) => name)]);
  for (const [name, cell] of ROWS) line([name, ...days.map(({ figures }) => cell(figures))]);
  return days.flatMap(({ name, figures }) =>
    LIMITS.filter(({ plays, isKept }) => plays.includes(name) && !isKept(figures)).map(
      ({ text }) => `${name}: expected ${text}`,
    ),
  );
}
