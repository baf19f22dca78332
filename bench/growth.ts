/**
 * `npm run bench -- --growth`: what becomes of the figures where there is ten, or a thousand times as much of something. How the queue
 * grows is told by `--foreman`.
 */
import os from 'node:os';
import { parseEdgeSettings } from '../shared/edge-settings.ts';
import { startBenchServer } from './bench-server.ts';
import { makeCases, runCase } from './cases.ts';
import { finishedBuilds } from './finished-builds.ts';
import { catalogueCurves } from './growth/catalogue.ts';
import { clientCurves } from './growth/clients.ts';
import type { Curve } from './growth/curve.ts';
import { resultCurves } from './growth/results.ts';
import { exceeded, growthTable } from './growth/table.ts';
import { enlargeIndex } from './large-index.ts';
import { publishAll, readLargeIndex, readUpstream, verifyAll } from './seed.ts';
import { upgradeChecks, verifyChecks } from './upgrade-checks.ts';
import { ensureWrk } from './wrk.ts';

export interface GrowthBenchOptions {
  /** Builds that have ended. */
  readonly results: readonly number[];
  /** Builds that the clients ask for. */
  readonly distinct: number;
}

const WARM_UP = { seed: 0, seconds: 2, connections: 32 };

/** @throws Error where something grows more than it may */
export async function benchGrowth(options: GrowthBenchOptions, signal: AbortSignal): Promise<void> {
  await ensureWrk();
  const tables: (readonly [what: string, curves: readonly Curve[]])[] = [];
  const add = (what: string, curves: readonly Curve[]) => {
    tables.push([what, curves]);
    console.log(`\n${growthTable(what, curves).join('\n')}\n`);
  };
  add('packages', await catalogueCurves());
  add('clients', await ofClients(options.distinct, signal));
  add('results', await resultCurves(options.results, console.log, signal));
  console.log(`load average ${(os.loadavg()[0] ?? 0).toFixed(1)}, ${os.availableParallelism()} cores`);
  const all = tables.flatMap(([what, curves]) => exceeded(curves).map((line) => `${what}: ${line}`));
  if (all.length > 0) throw new Error(all.join('\n'));
}

async function ofClients(distinct: number, signal: AbortSignal): Promise<Curve[]> {
  const server = await startBenchServer('no inspector', (line) => console.error(`  workerd: ${line}`));
  try {
    await enlargeIndex(server);
    const upstream = await readUpstream(server, signal);
    await readLargeIndex(server, signal);
    const settings = parseEdgeSettings({ ...server.variables, SERVER_KEY: '0'.repeat(64) });
    const builds = finishedBuilds(distinct, upstream, settings);
    await publishAll(server, builds, signal);
    await verifyAll(server, builds, signal);
    const checks = await upgradeChecks(server, signal);
    await verifyChecks(server, checks, signal);
    const cases = await makeCases(server, builds, checks, []);
    for (const name of ['hello POST', 'cached POST', 'hello check', 'upgrade-check'])
      for (const each of cases.filter((one) => one.name === name)) await runCase(server, each, WARM_UP, signal);
    return await clientCurves(server, cases, signal);
  } finally {
    await server.stop();
  }
}
