/** What `npm run bench` can be told. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly distinct: number;
  readonly connections: number;
  /** Where the edge's processor time goes, one profile a case; null: no profile. */
  readonly profileDirectory: string | null;
}

export const HELP = `npm run bench -- [options]

Cached POST and GET /api/v1/build on "workerd serve", beside a bare Hono hello in the same process.

  --rounds N        rounds of the four cases in turn (15)
  --seconds N       length of one case in a round (2)
  --distinct N      finished builds, Zipf-distributed (5000)
  --connections N   keep-alive connections, one request in flight on each (32)
  --profile DIR     instead of measuring: write a .cpuprofile of each edge case to DIR
  --help            this text

Needs wrk (Debian: apt-get install -y wrk) and, for the S3 store, python3-swift; installs both itself where it is root.
See docs/benchmarks.md for what the figures mean.
`;

/** @throws Error saying what was expected */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '15' },
      seconds: { type: 'string', default: '2' },
      distinct: { type: 'string', default: '5000' },
      connections: { type: 'string', default: '32' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    rounds: whole('rounds', values.rounds, 1, 1000),
    seconds: whole('seconds', values.seconds, 1, 600),
    distinct: whole('distinct', values.distinct, 1, 100_000),
    connections: whole('connections', values.connections, 1, 1000),
    profileDirectory: values.profile ?? null,
  };
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new Error(`--${name}: expected a whole number from ${min} to ${max}, got ${JSON.stringify(text)}`);
  return value;
}
