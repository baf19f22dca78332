/** The table, and the ratios that the bench is for. */
import os from 'node:os';
import type { Case, Sample } from './cases.ts';
import { CATALOGUE_READ_LIMIT_MS, type CatalogueRead } from './catalogue-read.ts';
import { median } from './median.ts';
import type { BenchOptions } from './options.ts';

export interface Measured {
  readonly case: Case;
  readonly samples: Sample[];
  kvReads: number;
  foremanCalls: number;
}

/** More reads of KV a request than this, and it is not the edge's memory that is measured. */
const MAX_KV_SHARE = 0.5;

/** @throws Error when KV or the Foreman was asked more than the answers explain */
export function printReport(all: readonly Measured[], catalogue: CatalogueRead, options: BenchOptions): void {
  const row = (cells: readonly string[]) =>
    console.log(cells.map((cell, at) => (at === 0 ? cell.padEnd(14) : cell.padStart(13))).join(''));
  console.log();
  row(['', 'requests/s', 'lowest', 'highest', 'median ms', 'p99 ms', 'CPU µs/req', 'KV reads/req', 'bytes']);
  for (const { case: of, samples, kvReads } of all) {
    const rates = samples.map((sample) => sample.requestsPerSecond);
    row([
      of.name,
      median(rates).toFixed(0),
      Math.min(...rates).toFixed(0),
      Math.max(...rates).toFixed(0),
      (median(samples.map((sample) => sample.medianUs)) / 1000).toFixed(2),
      (median(samples.map((sample) => sample.p99Us)) / 1000).toFixed(2),
      processorUs(samples)?.toFixed(1) ?? '?',
      (kvReads / requests(samples)).toFixed(3),
      median(samples.map((sample) => sample.answerBytes)).toFixed(0),
    ]);
  }
  console.log();
  for (const { case: of, samples } of all) {
    const yardstick = all.find((other) => other.case.name === of.beside)?.samples;
    if (yardstick) console.log(`${of.name} / ${of.beside}: ${ratioText(samples, yardstick)}`);
  }
  console.log(
    `\ncatalogue document of ${catalogue.entries} entries (${Math.round(catalogue.sizeBytes / 1000)} kB): read from KV and parsed in ${catalogue.medianMs.toFixed(1)} ms (median; limit ${CATALOGUE_READ_LIMIT_MS} ms)`,
  );
  const foremanCalls = all.map(({ case: of, foremanCalls: calls }) => `${of.name} ${calls}`);
  console.log(
    `\n${options.distinct} builds, ${options.rounds} rounds of ${options.seconds} s, ${options.connections} connections, ${os.availableParallelism()} cores, load average ${(os.loadavg()[0] ?? 0).toFixed(1)}; calls to the Foreman: ${foremanCalls.join(', ')}`,
  );
  for (const measured of all) check(measured);
}

function ratioText(ours: readonly Sample[], theirs: readonly Sample[]): string {
  const rate = (of: readonly Sample[]) => median(of.map((sample) => sample.requestsPerSecond));
  const [ourUs, theirUs] = [processorUs(ours), processorUs(theirs)];
  const byProcessor = ourUs && theirUs ? `; by processor time a request ${(theirUs / ourUs).toFixed(2)}` : '';
  return `${(rate(ours) / rate(theirs)).toFixed(2)}${byProcessor}`;
}

function check({ case: of, samples, kvReads, foremanCalls }: Measured): void {
  const all = requests(samples);
  if (kvReads > MAX_KV_SHARE * all)
    throw new Error(`${of.name}: expected at most ${MAX_KV_SHARE} KV reads a request, got ${kvReads / all}`);
  if (foremanCalls > of.maxForemanShare * all)
    throw new Error(
      `${of.name}: expected at most ${of.maxForemanShare} calls to the Foreman a request, got ${foremanCalls} for ${all}`,
    );
}

const requests = (samples: readonly Sample[]): number => samples.reduce((sum, sample) => sum + sample.requests, 0);

function processorUs(of: readonly Sample[]): number | null {
  const known = of.flatMap((sample) => (sample.processorUs === null ? [] : [sample.processorUs]));
  return known.length === 0 ? null : median(known);
}
