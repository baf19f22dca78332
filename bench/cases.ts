/** The cases, and one round of each after the other: what slows the machine for a while slows all of them. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BenchServer } from './bench-server.ts';
import { type FinishedBuild, VARIANTS } from './finished-builds.ts';
import { LARGE } from './large-index.ts';
import { seeded, zipfRanks } from './random.ts';
import { pollPath } from './seed.ts';
import type { StoredFile } from './stored-files.ts';
import type { UpgradeCheckLoad } from './upgrade-checks.ts';
import { type Load, type LoadResult, runWrk } from './wrk.ts';

const POSTS = ['node POST', 'hello POST', 'cached POST', '429', 'node check', 'hello check', 'upgrade-check'] as const;
const GETS = ['node GET', 'hello GET', 'cached GET', 'overview', 'arch index', '404'] as const;
const FILES = ['stream 64 kB', '/store 64 kB', 'stream 64 MB', '/store 64 MB'] as const;
export const CASE_NAMES = [...POSTS, ...GETS, ...FILES] as const;
export type CaseName = (typeof CASE_NAMES)[number];

export interface Case {
  readonly name: CaseName;
  /** The yardstick; null: it is one itself. */
  readonly beside: Exclude<CaseName, 'cached POST'> | null;
  /** A plain `node:http` that is asked the same; null: there is none. */
  readonly peer: CaseName | null;
  /** Of the yardstick's requests a second; null where there is no aim. */
  readonly aim: number | null;
  /** Whose processor time it takes. */
  readonly server: 'workerd' | 'node';
  /** What is remembered for seconds, or let through now and then, may come to the Foreman that often, a request. */
  readonly maxForemanShare: number;
  readonly load: Omit<Load, 'seed' | 'seconds' | 'connections'>;
  /** Others than those of all cases: of what takes seconds an answer. */
  readonly connections?: number;
  readonly seconds?: number;
  /** Asked once before each measurement: what is remembered must be remembered then, and a limit be met. */
  readonly prime?: (seed: number, signal: AbortSignal) => Promise<Response>;
}

/** What a case says of its load; the rest is the same for all. */
type Asking = Pick<Load, 'method' | 'path' | 'lines' | 'status'> & Partial<Load>;

export interface Sample extends LoadResult {
  /** Microseconds of its server's processor time a request. */
  readonly processorUs: number | null;
}

/** Drawn once and read in a circle: more than any round needs. */
const DRAWS = 200_000;
const REPEATS = 0.3;
const SOMETIMES = 0.01;
const FLOODING = '203.0.113.7';
const UNKNOWN = pollPath('f'.repeat(64));

/** What a yardstick is. */
const PLAIN = { beside: null, peer: null, aim: null, server: 'workerd', maxForemanShare: 0 } as const;

/** A hello gets the same bodies as the edge, so that the client and the kernel have the same to carry. */
export async function makeCases(
  server: BenchServer,
  builds: readonly FinishedBuild[],
  checks: readonly UpgradeCheckLoad[],
  [small, large]: readonly StoredFile[],
): Promise<readonly Case[]> {
  const write = async (name: string, words: readonly string[], separator = '\n') => {
    const file = path.join(server.directory, name);
    await writeFile(file, words.join(separator) + separator);
    return file;
  };
  const bodies = builds.flatMap((build) => build.bodies);
  const polls = builds.map(({ record }) => pollPath(record.requestHash));
  const ranks = await write('ranks.txt', zipfRanks(builds.length, DRAWS, seeded(2)).map(String), ' ');
  const posts = {
    method: 'POST',
    path: '/api/v1/build',
    lines: await write('bodies.txt', bodies),
    status: 200,
  } as const;
  // No router asks twice with the same packages, and nothing is kept of an answer: one after the other, each a new one.
  const checkPosts = {
    method: 'POST',
    path: '/api/upgrade-check',
    lines: await write(
      'checks.txt',
      checks.map(({ body }) => body),
    ),
    ranks: await write(
      'check-ranks.txt',
      Array.from({ length: checks.length / VARIANTS }, (_, rank) => String(rank)),
      ' ',
    ),
    repeats: 0,
    status: 200,
  } as const;
  const gets = { method: 'GET', lines: null, status: 200 } as const;

  const hello = (name: CaseName, load: Asking): Case => {
    const whole = { ranks, repeats: REPEATS, ...load, url: server.helloUrl, path: '/' };
    return { ...PLAIN, name, load: whole };
  };
  const node = (name: CaseName, load: Asking): Case => {
    const whole = { ranks, repeats: REPEATS, ...load, url: server.nodeUrl, path: '/' };
    return { ...PLAIN, name, server: 'node', load: whole };
  };
  const edge = (name: CaseName, load: Asking, more: Partial<Case> = {}): Case => {
    const [beside, peer] =
      load.method === 'POST' ? (['hello POST', 'node POST'] as const) : (['hello GET', 'node GET'] as const);
    const whole = { url: server.edgeUrl, ranks, repeats: REPEATS, ...load };
    return { ...PLAIN, name, beside, peer, load: whole, ...more };
  };
  return [
    node('node POST', posts),
    hello('hello POST', posts),
    edge('cached POST', posts, { aim: 0.65 }),
    edge('429', await flood(), { maxForemanShare: SOMETIMES, prime: beginFlood }),
    node('node check', checkPosts),
    hello('hello check', checkPosts),
    edge('upgrade-check', checkPosts, { beside: 'hello check', peer: 'node check', aim: 0.4 }),
    node('node GET', { ...gets, path: '/' }),
    hello('hello GET', { ...gets, path: '/' }),
    edge('cached GET', { ...gets, path: null, lines: await write('paths.txt', polls) }),
    edge('overview', { ...gets, path: '/json/v1/overview.json' }, { aim: 0.7 }),
    edge('arch index', {
      ...gets,
      path: `/json/v1/releases/${LARGE.version}/packages/${LARGE.arch}-index.json`,
    }),
    edge(
      '404',
      { ...gets, path: UNKNOWN, status: 404 },
      { maxForemanShare: SOMETIMES, prime: (_, signal) => fetch(server.edgeUrl + UNKNOWN, { signal }) },
    ),
    ...download('stream 64 kB', '/store 64 kB', small, { connections: 4, seconds: 4 }),
    ...download('stream 64 MB', '/store 64 MB', large, { connections: 4, seconds: 8 }),
  ];

  function download(
    plain: CaseName & `stream ${string}`,
    ours: CaseName,
    file: StoredFile | undefined,
    more: Pick<Case, 'connections' | 'seconds'> = {},
  ): readonly Case[] {
    const get = { ...gets, ranks, repeats: 0 };
    return [
      {
        ...PLAIN,
        name: plain,
        load: { ...get, url: server.helloUrl, path: file?.plainPath ?? '/' },
        ...more,
      },
      edge(ours, { ...gets, path: file?.path ?? '/' }, { beside: plain, peer: null, ...more }),
    ];
  }

  async function flood(): Promise<Asking> {
    const lines = await write('flood.txt', bodies.map(floodBody));
    const header = `${server.addressHeader}: ${FLOODING}`;
    return { ...posts, lines, repeats: 0, status: 429, exceptionStatus: 202, header };
  }

  function beginFlood(seed: number, signal: AbortSignal): Promise<Response> {
    const body = floodBody(bodies[0] as string).replace('@', `first-${seed}`);
    const headers = { [server.addressHeader]: FLOODING };
    return fetch(`${server.edgeUrl}/api/v1/build`, { method: 'POST', headers, body, signal });
  }
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
  { load, prime, ...own }: Case,
  more: Pick<Load, 'seed' | 'seconds' | 'connections'>,
  signal: AbortSignal,
): Promise<Sample> {
  await (await prime?.(more.seed, signal))?.text();
  const before = await server.processorMs(own.server);
  const { connections = more.connections, seconds = more.seconds } = own;
  const result = await runWrk({ ...load, ...more, connections, seconds }, signal);
  const after = await server.processorMs(own.server);
  const processorUs = before === null || after === null ? null : ((after - before) * 1000) / result.requests;
  return { ...result, processorUs };
}
