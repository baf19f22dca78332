/**
 * What a catalogue ten times as large costs: the real functions in Node, by processor time, on indexes made of names and versions as
 * long as upstream's. Up to as many packages as the catalogue takes; what it refuses is tried as well.
 */
import { weightBytes } from '../../edge/catalogue/document-memory.ts';
import { PackageTable } from '../../shared/seed/package-table.ts';
import type { ArchDocument } from '../../shared/upstream/catalogue-document.ts';
import { MAX_PACKAGES, mergeIndexes, packageList, parseIndexJson } from '../../shared/upstream/feed.ts';
import { invented } from '../large-index.ts';
import { median } from '../median.ts';
import { seeded } from '../random.ts';
import type { Curve } from './curve.ts';

/** The last is all that is taken; ten times the first. */
const CATALOGUE_SIZES = [MAX_PACKAGES / 10, MAX_PACKAGES / 3, MAX_PACKAGES];

const TIMES = 7;
const ASKED = 200;
const CHECKS = 500;
/** Of its 128 MB an isolate gives this to documents; one that outweighs it would be read from KV for each request. */
const MEMORY_MB = 32;
/** Sorting, collecting garbage and a cache that is outgrown; what compares each with each would be at 2. */
const LINEAR = { kind: 'power', exponent: 1.5 } as const;

interface OfSize {
  readonly size: number;
  readonly documentKb: number;
  readonly weightMb: number;
  readonly compileMs: number;
  readonly parseMs: number;
  readonly tableMs: number;
  readonly checkUs: number;
}

/** @throws Error where more packages are taken than are said to be */
export async function catalogueCurves(): Promise<Curve[]> {
  expectRefused(MAX_PACKAGES + 1);
  const measured: OfSize[] = [];
  for (const size of CATALOGUE_SIZES) measured.push(await measure(size));
  const curve = (name: string, unit: string, value: (one: OfSize) => number, bound: Curve['bound']): Curve => ({
    name,
    unit,
    points: measured.map((one) => ({ size: one.size, value: value(one) })),
    bound,
  });
  return [
    curve('document', 'kB', ({ documentKb }) => documentKb, { kind: 'power', exponent: 1.05 }),
    curve('document in memory', 'MB by weight', ({ weightMb }) => weightMb, { kind: 'below', limit: MEMORY_MB }),
    curve('compiled from an index', 'ms of CPU', ({ compileMs }) => compileMs, LINEAR),
    curve('document parsed', 'ms of CPU', ({ parseMs }) => parseMs, LINEAR),
    curve('table of its names made', 'ms of CPU', ({ tableMs }) => tableMs, LINEAR),
    // Each name is found in a place that no cache has.
    curve(`${ASKED} names looked up`, 'µs of CPU', ({ checkUs }) => checkUs, { kind: 'power', exponent: 0.6 }),
  ];
}

async function measure(size: number): Promise<OfSize> {
  const text = JSON.stringify({ version: 2, architecture: 'demo', packages: invented(size) });
  const list = await compiled(text);
  const head = { kind: 'arch', version: '25.12.1', arch: 'demo', feeds: [], fetchedAt: 0, checkedAt: 0 } as const;
  const document: ArchDocument = { ...head, ...list };
  const json = JSON.stringify(document);
  const pairs = Object.entries(document.packages);
  if (pairs.length !== size) throw new Error(`expected ${size} packages, got ${pairs.length}`);
  const table = new PackageTable(pairs);
  const random = seeded(5);
  const checks = Array.from({ length: CHECKS }, () =>
    Array.from({ length: ASKED }, () => pairs[Math.floor(random() * size)]?.[0] ?? ''),
  );
  const lookUp = () => {
    for (const names of checks)
      for (const name of names) if (table.placeOf(name) < 0) throw new Error(`expected ${name} in the table`);
  };
  return {
    size,
    documentKb: json.length / 1000,
    weightMb: weightBytes(document) / 1e6,
    compileMs: await processorMsOf(() => compiled(text)),
    parseMs: await processorMsOf(() => JSON.parse(json)),
    tableMs: await processorMsOf(() => new PackageTable(pairs)),
    checkUs: ((await processorMsOf(lookUp)) / CHECKS) * 1000,
  };
}

const compiled = (text: string) => packageList(mergeIndexes([parseIndexJson(text)]));

/** Median of some times. */
async function processorMsOf(work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let time = 0; time < TIMES; time++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  return median(times);
}

function expectRefused(size: number): void {
  const text = JSON.stringify({ version: 2, packages: invented(size) });
  let refusal: unknown = null;
  try {
    mergeIndexes([parseIndexJson(text)]);
  } catch (error) {
    refusal = error;
  }
  if (refusal === null) throw new Error(`expected ${size} packages to be refused`);
}
