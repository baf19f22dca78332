/** The Foreman's table, and whether it is flat. */
import { type Bound, type MeasuredOperation, type MeasuredQueue, POLLED } from './measured.ts';

/** Four levels of stretches, 64 in each. */
const MOST_OF_A_PLACE = 256;
/** More than the shortest queue's. */
const MORE: Readonly<Record<Bound, number>> = {
  flat: 10,
  place: 10 + MOST_OF_A_PLACE,
  places: 10 + MOST_OF_A_PLACE * POLLED,
  head: 10,
  nodes: 10,
};

/** Of the shortest queue's rows, and some: a place in a longer queue is the sum of a few more stretches. */
export const mayRead = (short: number, bound: Bound): number => short * 1.5 + MORE[bound];

/** @throws Error naming what reads more of a longer queue */
export function printForemanReport(queues: readonly MeasuredQueue[], rounds: number): void {
  const row = (cells: readonly string[]) =>
    console.log(cells.map((cell, at) => (at === 0 ? cell.padEnd(31) : cell.padStart(12))).join(''));
  const columns = (title: string) => queues.map(({ queued }) => `${title} ${short(queued)}`);
  console.log();
  row(['', ...columns('read'), ...columns('write'), ...columns('µs'), '']);
  const steep: string[] = [];
  for (const [at, { name, bound }] of (queues[0]?.operations ?? []).entries()) {
    const all = queues.flatMap(({ operations }) => operations[at] ?? []);
    const figures = (of: (one: MeasuredOperation) => number) => all.map((one) => of(one).toFixed(0));
    row([
      name,
      ...figures((one) => one.rowsRead),
      ...figures((one) => one.rowsWritten),
      ...figures((one) => one.microseconds),
      bound === 'flat' ? '' : bound,
    ]);
    // A queue of a hundred is shorter than what is looked at of the head of one.
    const [first, last] = [all.at(bound === 'head' ? 1 : 0), all.at(-1)];
    if (first && last && last.rowsRead > mayRead(first.rowsRead, bound)) steep.push(name);
  }
  console.log(`\nMeans of ${rounds} rounds; place, places, head and nodes: see docs/benchmarks.md.`);
  if (steep.length > 0)
    throw new Error(`expected as many rows of each queue, got more of a longer one: ${steep.join('; ')}`);
}

const short = (queued: number): string => (queued >= 1000 ? `${queued / 1000}k` : String(queued));
