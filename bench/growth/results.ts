/** What the Foreman reads of each operation, and what workerd holds, while 1,000 to 1,000,000 builds have ended and are published. */
import { startForemanServer } from '../foreman/foreman-server.ts';
import { measureForeman } from '../foreman/measure-foreman.ts';
import type { MeasuredQueue } from '../foreman/measured.ts';
import { mayRead } from '../foreman/report.ts';
import type { Bound, Curve } from './curve.ts';

/** The same for each number of results; more than a node looks at. */
const QUEUED = 1_000;
/** Small, so that there are always too many. */
const SETTINGS = { IMAGES_BUDGET: '1G' };
/** The tables lie on disk: of a million results it holds no more than a cache of pages. */
const MEMORY_LIMIT_MB = 600;
const ROUNDS = 3;

export async function resultCurves(
  sizes: readonly number[],
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<Curve[]> {
  const server = await startForemanServer((line) => console.error(`  workerd: ${line}`), SETTINGS);
  try {
    const measured: (MeasuredQueue & { readonly residentMb: number })[] = [];
    for (const results of sizes) {
      const asked = { queued: QUEUED, results, rounds: ROUNDS, isOfResults: true };
      const one = await measureForeman(server, asked, signal);
      measured.push({ ...one, residentMb: ((await server.residentBytes()) ?? Number.NaN) / 1e6 });
      tell(`${results} results in ${one.fillSeconds.toFixed(0)} s; measured`);
    }
    return curvesOf(measured);
  } finally {
    await server.stop();
  }
}

function curvesOf(measured: readonly (MeasuredQueue & { readonly residentMb: number })[]): Curve[] {
  const points = (value: (one: (typeof measured)[number]) => number) =>
    measured.map((one) => ({ size: one.results, value: value(one) }));
  const operations = measured[0]?.operations ?? [];
  return [
    ...operations.map(
      ({ name, bound }, at): Curve => ({
        name,
        unit: 'rows read',
        points: points(({ operations: all }) => all[at]?.rowsRead ?? Number.NaN),
        // The queue is the same here: all that may read more of a longer one may not of more results, nor a poll of 64 than of one.
        bound: { kind: 'flat', factor: 1.5, slack: mayRead(0, bound === 'places' ? 'place' : bound) } satisfies Bound,
      }),
    ),
    {
      name: 'the tables',
      unit: 'bytes a result',
      points: points(({ databaseBytes, results }) => databaseBytes / results),
      bound: null,
    },
    {
      name: 'memory of workerd',
      unit: 'MB',
      points: points(({ residentMb }) => residentMb),
      bound: { kind: 'below', limit: MEMORY_LIMIT_MB },
    },
  ];
}
