/** The table of a simulation, one column for each part of it, and what was not as it should be. */
import { type Figures, LIMITS } from './figures.ts';

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const duration = (seconds: number): string =>
  seconds <= 120 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} min`;

type Row = readonly [name: string, limit: string | null, cell: (figures: Figures) => string];

const ROWS: readonly Row[] = [
  ['scale', null, ({ scale }) => String(scale)],
  ['simulated', null, ({ minutes }) => duration(minutes * 60)],
  ['nodes, of 4 slots', null, ({ nodes }) => nodes.toLocaleString('en')],
  ['builds queued at first', null, ({ queued }) => queued.toLocaleString('en')],
  ['requests', null, ({ requests }) => requests.toLocaleString('en')],
  ['  answered without the Foreman', null, ({ requests, hits }) => percent(hits / Math.max(1, requests))],
  ['polls', null, ({ polls }) => polls.toLocaleString('en')],
  [
    'builds accepted; images',
    null,
    ({ builds, images }) => `${builds.toLocaleString('en')}; ${images.toLocaleString('en')}`,
  ],
  ['throughput, of the ideal', 'throughput', ({ throughput }) => percent(throughput)],
  ['Foreman calls a second, mean', null, ({ callsPerSecond }) => callsPerSecond.toFixed(1)],
  ['  over the 10 s with the most', null, ({ peakCallsPerSecond }) => peakCallsPerSecond.toFixed(1)],
  [
    '  the same, of the whole farm',
    'calls',
    ({ peakCallsPerSecond, scale }) => (peakCallsPerSecond / scale).toFixed(0),
  ],
  ['fairness (Jain)', 'fairness', ({ jain }) => (jain === null ? '–' : jain.toFixed(3))],
  ['wait, median; 99 %', null, ({ waitSeconds }) => `${duration(waitSeconds.p50)}; ${duration(waitSeconds.p99)}`],
  ['positions that grew', 'positions', ({ grownPositions }) => String(grownPositions)],
  [
    'error of estimates, first; all',
    'estimates',
    ({ estimateError }) =>
      estimateError === null ? '–' : `${percent(estimateError.first)}; ${percent(estimateError.all)}`,
  ],
  ['builds tried too often', 'attempts', ({ triedTooOften }) => String(triedTooOften)],
  ['builds that nobody waited for', null, ({ cancelled }) => String(cancelled)],
  ['events', null, ({ events }) => events.toLocaleString('en')],
  [
    '  a second of processor time',
    null,
    ({ events, processorSeconds }) => Math.round(events / processorSeconds).toLocaleString('en'),
  ],
  ['processor time', 'time', ({ processorSeconds }) => duration(processorSeconds)],
];

export interface Part {
  readonly name: string;
  readonly figures: Figures;
}

/** @returns what was not as it should be */
export function printTable(parts: readonly Part[], print: (line: string) => void): string[] {
  const line = (cells: readonly string[]) =>
    print(cells.map((cell, at) => (at === 0 ? cell.padEnd(34) : cell.padStart(20))).join(''));
  const broken: string[] = [];
  line(['', ...parts.map(({ name }) => name), 'limit']);
  for (const [name, limitName, cell] of ROWS) {
    const limit = LIMITS.find((one) => one.name === limitName);
    const cells = parts.map(({ name: part, figures }) => {
      const isKept = limit?.isKept(figures);
      // Beside a limit a figure that tells nothing of it would be read as broken, or as kept.
      if (isKept === null) return '–';
      if (!limit || isKept) return cell(figures);
      broken.push(`${part}, ${limit.name}: expected ${limit.text}, got ${cell(figures)}`);
      return `! ${cell(figures)}`;
    });
    line([name, ...cells, ...(limit ? [`  ${limit.text}`] : [])]);
  }
  for (const { name, figures } of parts) {
    const calls = Object.entries(figures.calls).map(([method, n]) => `${method} ${n.toFixed(1)}`);
    print(`\nCalls a second, ${name}: ${calls.join(', ')}`);
  }
  return broken;
}
