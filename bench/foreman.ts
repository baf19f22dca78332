/**
 * `npm run bench -- --foreman`: what each of the Foreman's operations reads while 100, 10,000 and 100,000 builds wait. A
 * statement that scans its table is as fast as any in a test, and stops the farm on a release day.
 */
import { startForemanServer } from './foreman/foreman-server.ts';
import { measureForeman } from './foreman/measure-foreman.ts';
import type { MeasuredQueue } from './foreman/measured.ts';
import { printForemanReport } from './foreman/report.ts';

export interface ForemanBenchOptions {
  readonly rounds: number;
  /** Builds that wait, shortest queue first. */
  readonly queues: readonly number[];
}

/** @throws Error where something is not flat that should be */
export async function benchForeman({ rounds, queues }: ForemanBenchOptions, signal: AbortSignal): Promise<void> {
  const server = await startForemanServer((line) => console.error(`  workerd: ${line}`));
  try {
    const measured: MeasuredQueue[] = [];
    for (const queued of queues) {
      const one = await measureForeman(server, { queued, results: queued, rounds }, signal);
      console.log(`${queued} builds queued in ${one.fillSeconds.toFixed(0)} s; measured`);
      measured.push(one);
    }
    printForemanReport(measured, rounds);
  } finally {
    await server.stop();
  }
}
