/** The table, and the ratios that the bench is for: each row beside its limit and its peers. */
import os from 'node:os';
import type { Case, Sample } from './cases.ts';
import { CATALOGUE_READ_LIMIT_MS, type CatalogueRead } from './catalogue-read.ts';
import type { Counters } from './counters.ts';
import { median } from './median.ts';
import { brokenLimits } from './operations.ts';
import type { BenchOptions } from './options.ts';
import { processorUs, type Ratio, ratioOf } from './ratio.ts';

export interface Measured {
  readonly case: Case;
  readonly samples: Sample[];
  counts: Counters;
}

export interface MemoryUse {
  /** Of workerd, in RAM; null where the system does not tell. It has no limit but the machine's: V8 collects garbage when it must. */
  readonly residentBytes: number | null;
  /** Of the edge's own objects, of its Foreman and its Catalogue. */
  readonly liveHeapBytes: number;
}

/** What Cloudflare gives an isolate. */
const HEAP_LIMIT_MB = 128;

/** @throws Error when KV or the Foreman was asked more than the answers explain, or memory was not enough */
export function printReport(
  all: readonly Measured[],
  catalogue: CatalogueRead,
  { before, after }: { readonly before: MemoryUse; readonly after: MemoryUse },
  options: BenchOptions,
): void {
  printRates(all);
  printRatios(all);
  console.log(
    `\ncatalogue document of ${catalogue.entries} entries (${Math.round(catalogue.sizeBytes / 1000)} kB): read from KV and parsed in ${catalogue.medianMs.toFixed(1)} ms (median; limit ${CATALOGUE_READ_LIMIT_MS} ms: ${kept(catalogue.medianMs <= CATALOGUE_READ_LIMIT_MS)})`,
  );
  const isInHeap = after.liveHeapBytes <= HEAP_LIMIT_MB * 1e6;
  console.log(
    `live objects of the edge's isolate: ${megabytes(before.liveHeapBytes)} before, ${megabytes(after.liveHeapBytes)} after (limit ${HEAP_LIMIT_MB} MB: ${kept(isInHeap)}); memory of workerd with its garbage: ${megabytes(before.residentBytes)}, ${megabytes(after.residentBytes)}`,
  );
  console.log(
    `${options.distinct} builds, ${options.rounds} rounds of ${options.seconds} s, ${options.connections} connections, ${os.availableParallelism()} cores, load average ${(os.loadavg()[0] ?? 0).toFixed(1)}`,
  );
  const broken = all.flatMap(({ case: of, samples, counts }) =>
    brokenLimits(of, counts, { ...options, requests: requests(samples) }),
  );
  if (!isInHeap)
    broken.push(`expected live objects of at most ${HEAP_LIMIT_MB} MB, got ${megabytes(after.liveHeapBytes)}`);
  if (broken.length > 0) throw new Error(broken.join('\n'));
}

function printRates(all: readonly Measured[]): void {
  console.log();
  row(['', 'requests/s', 'lowest', 'highest', 'median ms', 'p99 ms', 'CPU µs/req', 'bytes']);
  for (const { case: of, samples } of all) {
    const rates = samples.map((sample) => sample.requestsPerSecond);
    row([
      of.name,
      median(rates).toFixed(0),
      Math.min(...rates).toFixed(0),
      Math.max(...rates).toFixed(0),
      (median(samples.map((sample) => sample.medianUs)) / 1000).toFixed(2),
      (median(samples.map((sample) => sample.p99Us)) / 1000).toFixed(2),
      processorUs(samples)?.toFixed(1) ?? '?',
      median(samples.map((sample) => sample.answerBytes)).toFixed(0),
    ]);
  }
}

/** A request's operations beside the ratios: a route that asks KV each time would be slow for another reason. */
function printRatios(all: readonly Measured[]): void {
  const samplesOf = (name: string | null) => all.find((other) => other.case.name === name)?.samples;
  console.log();
  row(['', 'of hello', '¼ to ¾', 'by CPU', 'of node', 'by CPU', 'aim', 'results', 'catalogue', 'KV', 'Foreman']);
  for (const { case: of, samples, counts } of all) {
    const [hello, node] = [samplesOf(of.beside), samplesOf(of.peer)];
    if (!hello) continue;
    const [ofHello, ofNode] = [ratioOf(samples, hello), node ? ratioOf(samples, node) : null];
    const share = (count: number) => (count / requests(samples)).toFixed(3);
    row([
      of.name,
      ofHello.rate.toFixed(2),
      `${ofHello.low.toFixed(2)}–${ofHello.high.toFixed(2)}`,
      byProcessor(ofHello),
      ofNode?.rate.toFixed(2) ?? '',
      ofNode ? byProcessor(ofNode) : '',
      of.aim === null ? '' : `${of.aim} ${ofHello.rate >= of.aim ? 'met' : 'missed'}`,
      share(counts.resultReads),
      share(counts.catalogueReads),
      share(counts.kvReads),
      share(counts.foremanCalls),
    ]);
  }
}

const row = (cells: readonly string[]): void =>
  console.log(cells.map((cell, at) => (at === 0 ? cell.padEnd(14) : cell.padStart(13))).join(''));

const kept = (isKept: boolean): string => (isKept ? 'kept' : 'EXCEEDED');
const byProcessor = ({ byProcessor: value }: Ratio): string => value?.toFixed(2) ?? '?';
const megabytes = (bytes: number | null): string => (bytes === null ? '?' : `${(bytes / 1e6).toFixed(0)} MB`);

const requests = (samples: readonly Sample[]): number => samples.reduce((sum, sample) => sum + sample.requests, 0);
