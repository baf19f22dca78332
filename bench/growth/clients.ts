/** The cached POST and the upgrade check with 1 to 64 clients at once, each in turn with its hello and with as many clients. */
import type { BenchServer } from '../bench-server.ts';
import { type Case, type CaseName, runCase, type Sample } from '../cases.ts';
import { median } from '../median.ts';
import { ratioOf } from '../ratio.ts';
import type { Curve } from './curve.ts';

export const CLIENTS = [1, 2, 4, 8, 16, 32, 64];

const MEASURED = ['cached POST', 'upgrade-check'] as const satisfies readonly CaseName[];
const ROUNDS = 3;
const SECONDS = 1;
/** Many clients may not make a request dearer for the edge than they make it for the runtime. */
const KEEPS = { kind: 'keeps', share: 0.6 } as const;
/** Who waits for so many others waits so many times as long, and a little more. */
const NO_STEEPER = { kind: 'power', exponent: 1.25 } as const;

interface Group {
  readonly ours: Case;
  readonly hello: Case;
}

export async function clientCurves(server: BenchServer, cases: readonly Case[], signal: AbortSignal): Promise<Curve[]> {
  const groups = MEASURED.flatMap((name): Group[] => {
    const ours = cases.find((one) => one.name === name);
    const hello = cases.find((one) => one.name === ours?.beside);
    return ours && hello ? [{ ours, hello }] : [];
  });
  const samples = new Map<string, Sample[]>();
  const of = (one: Case, clients: number): Sample[] => {
    const key = `${one.name} ${clients}`;
    const there = samples.get(key) ?? [];
    samples.set(key, there);
    return there;
  };
  for (let round = 0; round < ROUNDS; round++)
    for (const clients of CLIENTS)
      for (const each of groups.flatMap(({ hello, ours }) => [hello, ours])) {
        const more = { seed: round, seconds: SECONDS, connections: clients };
        of(each, clients).push(await runCase(server, each, more, signal));
      }
  return groups.flatMap(({ ours, hello }): Curve[] => {
    const points = (value: (ours: readonly Sample[], hello: readonly Sample[]) => number) =>
      CLIENTS.map((clients) => ({ size: clients, value: value(of(ours, clients), of(hello, clients)) }));
    const { name } = ours;
    return [
      {
        name,
        unit: 'requests/s',
        points: points((all) => median(all.map((one) => one.requestsPerSecond))),
        bound: KEEPS,
      },
      {
        name: `${name} of its hello`,
        unit: 'by requests/s',
        points: points((all, beside) => ratioOf(all, beside).rate),
        bound: null,
      },
      {
        name: `${name} of its hello`,
        unit: 'by CPU',
        points: points((all, beside) => ratioOf(all, beside).byProcessor ?? Number.NaN),
        bound: KEEPS,
      },
      {
        name: `${name}, 99 %`,
        unit: 'ms',
        points: points((all) => median(all.map((one) => one.p99Us)) / 1000),
        bound: NO_STEEPER,
      },
    ];
  });
}
