/** What `npm run bench` can be told. */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { CASE_NAMES, type CaseName } from './cases.ts';
import type { ForemanBenchOptions } from './foreman.ts';
import type { GrowthBenchOptions } from './growth.ts';
import type { ImageBuilderBenchOptions } from './imagebuilder.ts';
import type { PageBenchOptions } from './page.ts';

export interface BenchOptions {
  readonly only: ReadonlySet<CaseName>;
  readonly rounds: number;
  readonly seconds: number;
  readonly distinct: number;
  readonly connections: number;
  /** Where the edge's processor time goes, one profile a case; null: no profile. */
  readonly profileDirectory: string | null;
}

export const HELP = `npm run bench -- [options]

The edge on "workerd serve", beside a bare Hono hello in the same process; or a farm node beside bare make; or the rows that
the Foreman reads; or how figures grow; or the page in a browser; or a simulated month.

  --only NAMES      these cases, and the hello beside them: ${CASE_NAMES.filter((name) => !/^(?:hello|node|stream)/.test(name)).join(',')}
  --rounds N        rounds of the cases in turn (12)
  --seconds N       length of one case in a round (2)
  --distinct N      finished builds, Zipf-distributed (5000)
  --connections N   keep-alive connections, one request in flight on each (32)
  --profile DIR     instead of measuring: write a .cpuprofile of each edge case to DIR
  --imagebuilder    instead: a farm node's builds beside bare make, with --rounds (3) and --parallel N (cores) at once
  --foreman         instead: rows that the Foreman's operations read while 100, 10,000 and 100,000 builds wait, with
                    --rounds (20) of each; fails where they read more of a longer queue
  --page            instead: what the page costs a reader, in Debian's chromium, with --rounds (10) of visits
  --growth          instead: what grows with 1 to 64 clients, with ten times the packages, and with 1,000 to 1,000,000
                    results; fails where it grows more than it may
  --results N       of --growth: so many results at most (1000000)
  --month           instead of measuring: a month of requests, answered by our identity and by hashes that live for a day
  --all             one after the other, each with its defaults: the edge, --page, --month, --foreman, --growth, --imagebuilder
  --help            this text

Needs wrk (Debian: apt-get install -y wrk) and, for the S3 store, python3-swift; installs both itself where it is root.
(The Foreman and the month need neither.) See docs/benchmarks.md for what the figures mean.
`;

export type BenchCommand =
  | { readonly bench: 'edge'; readonly options: BenchOptions }
  | { readonly bench: 'imagebuilder'; readonly options: ImageBuilderBenchOptions }
  | { readonly bench: 'foreman'; readonly options: ForemanBenchOptions }
  | { readonly bench: 'page'; readonly options: PageBenchOptions }
  | { readonly bench: 'growth'; readonly options: GrowthBenchOptions }
  | { readonly bench: 'month' | 'all' | 'help' };

/** @throws Error saying what was expected */
export function parseOptions(args: readonly string[]): BenchCommand {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: CASE_NAMES.join(',') },
      rounds: { type: 'string' },
      seconds: { type: 'string', default: '2' },
      distinct: { type: 'string', default: '5000' },
      connections: { type: 'string', default: '32' },
      profile: { type: 'string' },
      parallel: { type: 'string', default: String(os.availableParallelism()) },
      imagebuilder: { type: 'boolean', default: false },
      foreman: { type: 'boolean', default: false },
      page: { type: 'boolean', default: false },
      growth: { type: 'boolean', default: false },
      results: { type: 'string', default: '1000000' },
      month: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return { bench: 'help' };
  if (values.all) return { bench: 'all' };
  if (values.month) return { bench: 'month' };
  if (values.page) return { bench: 'page', options: { rounds: whole('rounds', values.rounds ?? '10', 1, 1000) } };
  if (values.growth) {
    const most = whole('results', values.results, 1_000, 10_000_000);
    const results = [1_000, 10_000, 100_000, 1_000_000, 10_000_000].filter((size) => size <= most);
    return { bench: 'growth', options: { results, distinct: 1_000 } };
  }
  if (values.foreman)
    return {
      bench: 'foreman',
      options: { rounds: whole('rounds', values.rounds ?? '20', 1, 50), queues: [100, 10_000, 100_000] },
    };
  if (values.imagebuilder)
    return {
      bench: 'imagebuilder',
      options: {
        rounds: whole('rounds', values.rounds ?? '3', 1, 100),
        parallel: whole('parallel', values.parallel, 2, 64),
        latenciesMs: [0, 50],
        weightsMib: [0, 64],
      },
    };
  return {
    bench: 'edge',
    options: {
      only: new Set(values.only.split(',').map(caseName)),
      rounds: whole('rounds', values.rounds ?? '12', 1, 1000),
      seconds: whole('seconds', values.seconds, 1, 600),
      distinct: whole('distinct', values.distinct, 1, 100_000),
      connections: whole('connections', values.connections, 1, 1000),
      profileDirectory: values.profile ?? null,
    },
  };
}

function caseName(text: string): CaseName {
  const name = CASE_NAMES.find((known) => known === text.trim());
  if (!name) throw new Error(`--only: expected some of ${CASE_NAMES.join(',')}, got ${JSON.stringify(text)}`);
  return name;
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new Error(`--${name}: expected a whole number from ${min} to ${max}, got ${JSON.stringify(text)}`);
  return value;
}
