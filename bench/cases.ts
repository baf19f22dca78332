/** The cases, and one round of each after the other: what slows the machine for a while slows all of them. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BenchServer } from './bench-server.ts';
import type { FinishedBuild } from './finished-builds.ts';
import { LARGE } from './large-index.ts';
import { seeded, zipfRanks } from './random.ts';
import { pollPath } from './seed.ts';
import { type Load, type LoadResult, runWrk } from './wrk.ts';

export const CASE_NAMES = [
  ...(['hello POST', 'cached POST', '429', 'hello GET', 'cached GET', 'overview', 'arch index', '404'] as const),
];
export type CaseName = (typeof CASE_NAMES)[number];

export interface Case {
  readonly name: CaseName;
  /** The yardstick; null: it is one itself. */
  readonly beside: 'hello POST' | 'hello GET' | null;
  /** What is remembered for seconds, or let through now and then, may come to the Foreman that often, a request. */
  readonly maxForemanShare: number;
  readonly load: Omit<Load, 'seed' | 'seconds' | 'connections'>;
  /** Asked once before each measurement, since it is remembered for seconds only. */
  readonly prime?: string;
}

export interface Sample extends LoadResult {
  /** Microseconds of workerd's processor time a request. */
  readonly processorUs: number | null;
}

/** Drawn once and read in a circle: more than any round needs. */
const DRAWS = 200_000;
const REPEATS = 0.3;
const SOMETIMES = 0.01;
const UNKNOWN = pollPath('f'.repeat(64));

/** A hello gets the same bodies as the edge, so that the client and the kernel have the same to carry. */
export async function makeCases(server: BenchServer, builds: readonly FinishedBuild[]): Promise<readonly Case[]> {
  const write = async (name: string, lines: readonly string[], separator = '\n') => {
    const file = path.join(server.directory, name);
    await writeFile(file, lines.join(separator) + separator);
    return file;
  };
  const bodies = builds.flatMap((build) => build.bodies);
  const ranks = await write('ranks.txt', zipfRanks(builds.length, DRAWS, seeded(2)).map(String), ' ');
  const posts = {
    method: 'POST',
    lines: await write('bodies.txt', bodies),
    ranks,
    repeats: REPEATS,
    status: 200,
  } as const;
  const gets = { method: 'GET', lines: null, ranks, repeats: 0, status: 200 } as const;
  const { edgeUrl, helloUrl } = server;
  const yardstick = { beside: null, maxForemanShare: 0 } as const;
  const besidePost = { beside: 'hello POST', maxForemanShare: 0 } as const;
  const besideGet = { beside: 'hello GET', maxForemanShare: 0 } as const;
  return [
    { name: 'hello POST', ...yardstick, load: { ...posts, url: helloUrl, path: '/' } },
    { name: 'cached POST', ...besidePost, load: { ...posts, url: edgeUrl, path: '/api/v1/build' } },
    {
      ...{ name: '429', ...besidePost, maxForemanShare: SOMETIMES },
      load: {
        ...{ ...posts, url: edgeUrl, path: '/api/v1/build', lines: await write('flood.txt', bodies.map(floodBody)) },
        ...{ repeats: 0, status: 429, exceptionStatus: 202, header: `${server.addressHeader}: 203.0.113.7` },
      },
    },
    { name: 'hello GET', ...yardstick, load: { ...gets, url: helloUrl, path: '/' } },
    {
      ...{ name: 'cached GET', ...besideGet },
      load: {
        ...{ ...gets, url: edgeUrl, path: null },
        lines: await write(
          'paths.txt',
          builds.map(({ record }) => pollPath(record.requestHash)),
        ),
      },
    },
    { name: 'overview', ...besideGet, load: { ...gets, url: edgeUrl, path: '/json/v1/overview.json' } },
    {
      ...{ name: 'arch index', ...besideGet },
      load: { ...gets, url: edgeUrl, path: `/json/v1/releases/${LARGE.version}/packages/${LARGE.arch}-index.json` },
    },
    {
      ...{ name: '404', ...besideGet, maxForemanShare: SOMETIMES },
      load: { ...gets, url: edgeUrl, path: UNKNOWN, status: 404 },
      prime: edgeUrl + UNKNOWN,
    },
  ];
}

/**
 * As long as the body of a router, and something new each time: with a package that nobody has, of a release whose indexes
 * do not tell what packages provide, so that only a build could say no.
 */
function floodBody(body: string): string {
  const { packages, profile, target } = JSON.parse(body) as { packages: string[]; profile: string; target: string };
  return JSON.stringify({ version: LARGE.version, target, profile, packages: [...packages, 'flood-@'] });
}

/** @throws Error where the answers are not those of the case */
export async function runCase(
  server: BenchServer,
  { load, prime }: Case,
  more: Pick<Load, 'seed' | 'seconds' | 'connections'>,
  signal: AbortSignal,
): Promise<Sample> {
  if (prime !== undefined) await (await fetch(prime, { signal })).text();
  const before = await server.processorMs();
  const result = await runWrk({ ...load, ...more }, signal);
  const after = await server.processorMs();
  const processorUs = before === null || after === null ? null : ((after - before) * 1000) / result.requests;
  return { ...result, processorUs };
}
