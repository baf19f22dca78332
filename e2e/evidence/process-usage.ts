/** What a process has used, as the kernel counted it: a file that is held whole shows in its memory and nowhere else. */
import { readFileSync, writeFileSync } from 'node:fs';

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
