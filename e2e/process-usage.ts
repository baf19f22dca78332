/** What a process has used, as the kernel counted it: a file that is held whole shows in its memory and nowhere else. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Of a process by what stands in its command line. @throws Error where there is none, or more than one */
export const pidOf = (...words: readonly string[]): number => onlyPid(words, () => true);

/** The same, of one that another has started. */
export const pidOfChild = (parent: number, ...words: readonly string[]): number =>
  onlyPid(words, (pid) => parentOf(pid) === parent);

function onlyPid(words: readonly string[], isMeant: (pid: string) => boolean): number {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => words.every((word) => commandOf(pid).includes(word)) && isMeant(pid));
  if (pids.length !== 1) throw new Error(`expected one process with ${words.join(' ')}, got ${pids.length}`);
  return Number(pids[0]);
}

const parentOf = (pid: string): number =>
  Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

function commandOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    // It has ended.
    return [];
  }
}

/** From here on. Returns what it has now, in bytes. */
export function beginPeak(pid: number): number {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return peakBytes(pid);
}

/** Since `beginPeak`, or since its start. */
export function peakBytes(pid: number): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}
