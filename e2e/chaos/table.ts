/** The report as one reads it. */
import { FAULTS, TARGETS } from './plan.ts';
import { type Report, wrongsOf } from './report.ts';
import { keyOf } from './wishes.ts';

export function tableOf(report: Report): string {
  const { seed, minutes, ledger, visits, findings, undrained } = report;
  const wrong = wrongsOf(report);
  const rows: readonly (readonly [string, string])[] = [
    ['visits', counts(Object.entries(visits))],
    ['answers about builds', counts([...ledger.answers])],
    ['builds accepted', `${ledger.accepted.size} for ${new Set([...ledger.accepted.values()].map(keyOf)).size} wishes`],
    ['ended by a fault of ours, told as such, asked for again', counts([...countOf(ledger.ours.values())]) || '0'],
    ['nodes drained, taken up again', String(undrained)],
    ...findings.map(
      ({ what, found, wrong: of }) => [what, `${found}${of.length > 0 ? `  ** ${of.length} WRONG` : ''}`] as const,
    ),
  ];
  const width = Math.max(...rows.map(([what]) => what.length));
  return [
    `chaos of ${minutes} minutes, seed ${seed}${report.isWhole ? '' : ' (stopped before its end)'}`,
    '',
    ...faultTable(report),
    '',
    ...rows.map(([what, found]) => `${what.padEnd(width)}  ${found}`),
    '',
    ...(wrong.length === 0
      ? [report.isWhole ? 'Nothing is wrong.' : 'Nothing was wrong so far.']
      : ['WRONG:', ...wrong.map((why) => `  ${why}`)]),
    ...(wrong.length === 0 ? [] : [`Again: npm run chaos -- --minutes ${minutes} --seed ${seed}`]),
  ].join('\n');
}

function faultTable({ befallen }: Report): readonly string[] {
  const width = Math.max(...TARGETS.map((target) => target.length));
  const line = (name: string, cells: readonly string[]) =>
    `${name.padEnd(width)}${cells.map((cell) => cell.padStart(9)).join('')}`;
  const cell = (target: string, fault: string): string => {
    const those = befallen.filter((one) => one.target === target && one.fault === fault);
    const happened = those.filter((one) => one.happened === 'happened').length;
    return those.length === 0 ? '·' : happened === those.length ? String(happened) : `${happened}/${those.length}`;
  };
  return [
    line('', FAULTS),
    ...TARGETS.map((target) =>
      line(
        target,
        FAULTS.map((fault) => cell(target, fault)),
      ),
    ),
    ...(befallen.some(({ happened }) => happened === 'impossible here')
      ? ['a/b: of b, only a were possible on this machine (a disk can be filled only where it can be mounted)']
      : []),
  ];
}

const counts = (entries: readonly (readonly [string, number])[]): string =>
  entries
    .filter(([, n]) => n > 0)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ');

function countOf(names: Iterable<string>): Map<string, number> {
  const counted = new Map<string, number>();
  for (const name of names) counted.set(name, (counted.get(name) ?? 0) + 1);
  return counted;
}
