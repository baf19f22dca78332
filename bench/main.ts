/** `npm run bench`: cached requests beside a bare hello, on one workerd. What the figures mean: docs/benchmarks.md. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseEdgeSettings } from '../shared/edge-settings.ts';
import { type BenchServer, startBenchServer } from './bench-server.ts';
import { type Case, type CaseName, makeCases, runCase, type Sample } from './cases.ts';
import { readCounters } from './counters.ts';
import { finishedBuilds } from './finished-builds.ts';
import { type BenchOptions, HELP, parseOptions } from './options.ts';
import { profile } from './profile.ts';
import { printReport } from './report.ts';
import { publishAll, readUpstream, verifyAll } from './seed.ts';
import { ensureWrk } from './wrk.ts';

/** Long enough for the compiler's last stage on both sides. */
const WARM_UP_SECONDS = 3;

async function bench(options: BenchOptions, signal: AbortSignal): Promise<void> {
  await ensureWrk();
  const tell = stopwatch();
  tell('starting the demo mirror, an S3 store and workerd');
  const server = await startBenchServer(options.profileDirectory === null ? 'no inspector' : 'inspector', (line) =>
    console.error(`  workerd: ${line}`),
  );
  try {
    const upstream = await readUpstream(server, signal);
    tell(`publishing ${options.distinct} finished builds`);
    const serverKey = { SERVER_KEY: '0'.repeat(64) };
    const builds = finishedBuilds(options.distinct, upstream, parseEdgeSettings({ ...server.variables, ...serverKey }));
    await publishAll(server, builds, signal);
    tell(`checking the answer to each of ${builds.length * 4} bodies and ${builds.length} polls`);
    await verifyAll(server, builds, signal);
    const cases = await makeCases(server, builds);
    tell('warming up');
    for (const each of cases) await runCase(server, each, { ...options, seconds: WARM_UP_SECONDS, seed: 0 }, signal);
    if (options.profileDirectory === null) await measure(server, cases, options, tell, signal);
    else await profileAll(server, cases, options, options.profileDirectory, signal);
  } finally {
    await server.stop();
  }
}

async function measure(
  server: BenchServer,
  cases: readonly Case[],
  options: BenchOptions,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  tell(`measuring: ${options.rounds} rounds of ${cases.length} × ${options.seconds} s`);
  const samples = new Map<CaseName, Sample[]>(cases.map(({ name }) => [name, []]));
  const kvReads = new Map<CaseName, number>();
  const before = await readCounters(server);
  let last = before;
  for (let round = 1; round <= options.rounds; round++) {
    for (const each of cases) {
      const sample = await runCase(server, each, { ...options, seed: round }, signal);
      samples.get(each.name)?.push(sample);
      const now = await readCounters(server);
      kvReads.set(each.name, (kvReads.get(each.name) ?? 0) + now.kvReads - last.kvReads);
      last = now;
    }
  }
  const foremanCalls = last.foremanCalls - before.foremanCalls;
  printReport(samples, kvReads, foremanCalls, options);
  if (foremanCalls > 0) throw new Error(`expected no call to the Foreman on a hit, got ${foremanCalls}`);
}

async function profileAll(
  server: BenchServer,
  cases: readonly Case[],
  options: BenchOptions,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const each of cases) {
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

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => stop.abort(new Error(`stopped by ${name}`)));
try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') console.log(HELP);
  else await bench(options, stop.signal);
} catch (error) {
  console.error(stop.signal.aborted ? String(stop.signal.reason) : error);
  process.exitCode = 1;
}
