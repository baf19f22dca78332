/** `npm run bench`: what the edge answers by itself, beside a bare hello on the same workerd. The figures: docs/benchmarks.md. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEdgeSettings } from '../shared/edge-settings.ts';
import { benchAll } from './all.ts';
import { type BenchServer, startBenchServer } from './bench-server.ts';
import { type Case, type CaseName, makeCases, runCase } from './cases.ts';
import { measureCatalogueRead } from './catalogue-read.ts';
import { addCounts, NO_COUNTS, readCounters } from './counters.ts';
import { type FinishedBuild, finishedBuilds } from './finished-builds.ts';
import { benchForeman } from './foreman.ts';
import { benchGrowth } from './growth.ts';
import { benchImageBuilder } from './imagebuilder.ts';
import { enlargeIndex } from './large-index.ts';
import { simulateMonth } from './month.ts';
import { type BenchOptions, HELP, parseOptions } from './options.ts';
import { benchPage } from './page.ts';
import { profile } from './profile.ts';
import { type Measured, type MemoryUse, printReport } from './report.ts';
import { publishAll, readLargeIndex, readUpstream, verifyAll } from './seed.ts';
import { storeFiles, verifyFiles } from './stored-files.ts';
import { upgradeChecks, verifyChecks } from './upgrade-checks.ts';
import { ensureWrk } from './wrk.ts';

/** A flood has then spent what it may with its first request; nobody else says who he is. */
const VARIABLES = { BUILDS_PER_MINUTE: '1' };
/** Shortest first, but for the edge, by which the rest is read. */
const ALL = ['edge', 'page', 'month', 'foreman', 'growth', 'imagebuilder'] as const;
/** Long enough for the compiler's last stage on both sides. */
const WARM_UP_SECONDS = 3;
/** The edge keeps its counters' answer for two seconds. */
const COUNTERS_KEPT_MS = 2_100;

async function bench(options: BenchOptions, signal: AbortSignal): Promise<void> {
  await ensureWrk();
  const tell = stopwatch();
  tell('starting the demo mirror, an S3 store and workerd');
  const server = await startBenchServer('inspector', (line) => console.error(`  workerd: ${line}`), VARIABLES);
  try {
    await enlargeIndex(server);
    const upstream = await readUpstream(server, signal);
    await readLargeIndex(server, signal);
    tell(`publishing ${options.distinct} finished builds`);
    const serverKey = { SERVER_KEY: '0'.repeat(64) };
    const made = finishedBuilds(options.distinct, upstream, parseEdgeSettings({ ...server.variables, ...serverKey }));
    const { build, files } = await storeFiles(server, made[0] as FinishedBuild);
    const builds = [build, ...made.slice(1)];
    await publishAll(server, builds, signal);
    tell(`checking the answer to each of ${builds.length * 4} bodies and ${builds.length} polls`);
    await verifyAll(server, builds, signal);
    await verifyFiles(server, files, signal);
    const checks = await upgradeChecks(server, signal);
    tell(`checking the answer to each of ${checks.length} upgrade checks`);
    await verifyChecks(server, checks, signal);
    const cases = chosen(await makeCases(server, builds, checks, files), options);
    tell('warming up');
    for (const each of cases) await runCase(server, each, { ...options, seconds: WARM_UP_SECONDS, seed: 0 }, signal);
    if (options.profileDirectory === null) await measure(server, cases, options, tell, signal);
    else await profileAll(server, cases, options, options.profileDirectory, signal);
  } finally {
    await server.stop();
  }
}

const chosen = (cases: readonly Case[], { only }: BenchOptions): readonly Case[] => {
  const yardsticks = new Set(cases.flatMap(({ name, beside, peer }) => (only.has(name) ? [beside, peer] : [])));
  return cases.filter(({ name }) => only.has(name) || yardsticks.has(name));
};

async function measure(
  server: BenchServer,
  cases: readonly Case[],
  options: BenchOptions,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  tell(`measuring: ${options.rounds} rounds of ${cases.length} × ${options.seconds} s`);
  const catalogue = await measureCatalogueRead(server, signal);
  const before = await memoryOf(server);
  const measured = new Map<CaseName, Measured>(
    cases.map((each) => [each.name, { case: each, samples: [], counts: NO_COUNTS }]),
  );
  await sleep(COUNTERS_KEPT_MS);
  let last = await readCounters(server);
  for (let round = 1; round <= options.rounds; round++)
    for (const each of cases) {
      const sample = await runCase(server, each, { ...options, seed: round }, signal);
      if (each.maxForemanShare > 0) await sleep(COUNTERS_KEPT_MS);
      const now = await readCounters(server);
      const of = measured.get(each.name) as Measured;
      of.samples.push(sample);
      of.counts = addCounts(of.counts, now, last);
      last = now;
    }
  printReport([...measured.values()], catalogue, { before, after: await memoryOf(server) }, options);
}

const memoryOf = async (server: BenchServer): Promise<MemoryUse> => {
  // First, since what is collected for it is given back.
  const residentBytes = await server.residentBytes();
  return { residentBytes, liveHeapBytes: await server.liveHeapBytes() };
};

async function profileAll(
  server: BenchServer,
  cases: readonly Case[],
  options: BenchOptions,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const each of cases.filter((one) => one.server === 'workerd')) {
    const service = each.name.startsWith('hello') ? 'hello' : 'edge';
    const file = path.join(directory, `${each.name.replace(' ', '-')}.cpuprofile`);
    await profile(server.inspectorPort ?? 0, service, file, () =>
      runCase(server, each, { ...options, seed: 1 }, signal),
    );
    console.log(file);
  }
}

function stopwatch(): (line: string) => void {
  const started = performance.now();
  return (line) => console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}`);
}

async function run(args: readonly string[], signal: AbortSignal): Promise<void> {
  const command = parseOptions(args);
  if (command.bench === 'edge') await bench(command.options, signal);
  else if (command.bench === 'imagebuilder') await benchImageBuilder(command.options, signal);
  else if (command.bench === 'foreman') await benchForeman(command.options, signal);
  else if (command.bench === 'growth') await benchGrowth(command.options, signal);
  else if (command.bench === 'page') await benchPage(command.options, signal);
  else if (command.bench === 'month') simulateMonth(console.log);
  else if (command.bench === 'all')
    await benchAll(
      ALL.map((name) => ({ name, run: () => run(argsOf(name), signal) })),
      signal,
    );
  else console.log(HELP);
}

const argsOf = (name: (typeof ALL)[number]): string[] => (name === 'edge' ? [] : [`--${name}`]);

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => stop.abort(new Error(`stopped by ${name}`)));
try {
  await run(process.argv.slice(2), stop.signal);
} catch (error) {
  console.error(stop.signal.aborted ? String(stop.signal.reason) : error);
  process.exitCode = 1;
}
