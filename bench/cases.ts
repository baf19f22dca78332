/** The four cases, and one round of each after the other: what slows the machine for a while slows all of them. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BenchServer } from './bench-server.ts';
import type { FinishedBuild } from './finished-builds.ts';
import { seeded, zipfRanks } from './random.ts';
import { pollPath } from './seed.ts';
import { type Load, type LoadResult, runWrk } from './wrk.ts';

export type CaseName = 'hello POST' | 'cached POST' | 'hello GET' | 'cached GET';
export type Case = { readonly name: CaseName; readonly load: Omit<Load, 'seed' | 'seconds' | 'connections'> };

export interface Sample extends LoadResult {
  /** Microseconds of workerd's processor time a request. */
  readonly processorUs: number | null;
}

/** Drawn once and read in a circle: more than any round needs. */
const DRAWS = 200_000;

/** A hello gets the same bodies as the edge, so that the client and the kernel have the same to carry. */
export async function makeCases(server: BenchServer, builds: readonly FinishedBuild[]): Promise<readonly Case[]> {
  const bodies = path.join(server.directory, 'bodies.txt');
  const paths = path.join(server.directory, 'paths.txt');
  const ranks = path.join(server.directory, 'ranks.txt');
  const lines = (all: readonly string[]) => `${all.join('\n')}\n`;
  await writeFile(bodies, lines(builds.flatMap((build) => build.bodies)));
  await writeFile(paths, lines(builds.map(({ record }) => pollPath(record.requestHash))));
  await writeFile(ranks, zipfRanks(builds.length, DRAWS, seeded(2)).join(' '));
  const { edgeUrl, helloUrl } = server;
  return [
    { name: 'hello POST', load: { url: helloUrl, method: 'POST', path: '/', lines: bodies, ranks } },
    { name: 'cached POST', load: { url: edgeUrl, method: 'POST', path: '/api/v1/build', lines: bodies, ranks } },
    { name: 'hello GET', load: { url: helloUrl, method: 'GET', path: '/', lines: null, ranks } },
    { name: 'cached GET', load: { url: edgeUrl, method: 'GET', path: null, lines: paths, ranks } },
  ];
}

export async function runCase(
  server: BenchServer,
  { load }: Case,
  more: Pick<Load, 'seed' | 'seconds' | 'connections'>,
  signal: AbortSignal,
): Promise<Sample> {
  const before = await server.processorMs();
  const result = await runWrk({ ...load, ...more }, signal);
  const after = await server.processorMs();
  const processorUs = before === null || after === null ? null : ((after - before) * 1000) / result.requests;
  return { ...result, processorUs };
}
