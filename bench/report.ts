/** The table, and the two ratios that the bench is for. */
import os from 'node:os';
import type { CaseName, Sample } from './cases.ts';
import type { BenchOptions } from './options.ts';

const PAIRS: readonly (readonly [cached: CaseName, hello: CaseName])[] = [
  ['cached POST', 'hello POST'],
  ['cached GET', 'hello GET'],
];

/** More reads of KV a request than this, and it is not the edge's memory that is measured. */
const MAX_KV_SHARE = 0.5;

/** @throws Error when KV was read more than a memory of that size explains */
export function printReport(
  samples: ReadonlyMap<CaseName, readonly Sample[]>,
  kvReads: ReadonlyMap<CaseName, number>,
  foremanCalls: number,
  options: BenchOptions,
): void {
  const row = (cells: readonly string[]) =>
    console.log(cells.map((cell, at) => (at === 0 ? cell.padEnd(12) : cell.padStart(14))).join(''));
  console.log();
  row(['', 'requests/s', 'lowest', 'highest', 'median ms', 'p99 ms', 'CPU µs/req', 'KV reads/req']);
  for (const [name, of] of samples) {
    const rates = of.map((sample) => sample.requestsPerSecond);
    row([
      name,
      median(rates).toFixed(0),
      Math.min(...rates).toFixed(0),
      Math.max(...rates).toFixed(0),
      (median(of.map((sample) => sample.medianUs)) / 1000).toFixed(2),
      (median(of.map((sample) => sample.p99Us)) / 1000).toFixed(2),
      processorUs(of)?.toFixed(1) ?? '?',
      share(name, of, kvReads).toFixed(3),
    ]);
  }
  console.log();
  for (const [cached, hello] of PAIRS) {
    const [ours, theirs] = [samples.get(cached) ?? [], samples.get(hello) ?? []];
    const ratio = median(ours.map((s) => s.requestsPerSecond)) / median(theirs.map((s) => s.requestsPerSecond));
    const [ourUs, theirUs] = [processorUs(ours), processorUs(theirs)];
    const byProcessor = ourUs && theirUs ? `; by processor time a request ${(theirUs / ourUs).toFixed(2)}` : '';
    console.log(`${cached} / ${hello}: ${ratio.toFixed(2)}${byProcessor}`);
  }
  console.log(
    `\n${options.distinct} builds, ${options.rounds} rounds of ${options.seconds} s, ${options.connections} connections, ${os.availableParallelism()} cores, load average ${(os.loadavg()[0] ?? 0).toFixed(1)}; calls to the Foreman: ${foremanCalls}`,
  );
  for (const [cached] of PAIRS) {
    const read = share(cached, samples.get(cached) ?? [], kvReads);
    if (read > MAX_KV_SHARE)
      throw new Error(`${cached}: expected at most ${MAX_KV_SHARE} KV reads a request, got ${read}`);
  }
}

function share(name: CaseName, of: readonly Sample[], kvReads: ReadonlyMap<CaseName, number>): number {
  return (kvReads.get(name) ?? 0) / of.reduce((sum, sample) => sum + sample.requests, 0);
}

function processorUs(of: readonly Sample[]): number | null {
  const known = of.flatMap((sample) => (sample.processorUs === null ? [] : [sample.processorUs]));
  return known.length === 0 ? null : median(known);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
