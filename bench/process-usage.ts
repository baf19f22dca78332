/**
 * What a server has used: processor time, since on a machine that others use too requests per second tell how much of it
 * was left for us, and memory, which shows what it forgets to give back.
 */
import { readdir, readFile } from 'node:fs/promises';

/** Ticks of /proc are hundredths of a second on every Linux that Node runs on. */
const TICK_MS = 10;

/** Ids of the processes that have `argument` on their command line; empty where there is no /proc. */
export async function processesOf(argument: string): Promise<readonly string[]> {
  const ids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const ours = await Promise.all(
    ids.map(async (id) => {
      const words = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '');
      return words.split('\0').includes(argument) ? [id] : [];
    }),
  );
  return ours.flat();
}

/** User and system time of all of them and their threads. */
export async function processorMs(processes: readonly string[]): Promise<number | null> {
  if (processes.length === 0) return null;
  let ticks = 0;
  for (const id of processes) {
    // The name, in parentheses, may hold blanks; utime and stime are the 14th and 15th field of all.
    const fields = (await readFile(`/proc/${id}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * TICK_MS;
}

/** What of their memory lies in RAM. */
export async function residentBytes(processes: readonly string[]): Promise<number | null> {
  if (processes.length === 0) return null;
  let kib = 0;
  for (const id of processes)
    kib += Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${id}/status`, 'utf8'))?.[1] ?? Number.NaN);
  return kib * 1024;
}
