/**
 * A process and everything below it, as the kernel shows it. Nothing in a sandbox can leave the tree: what is orphaned there
 * becomes a child of the sandbox's own first process. Synchronous on purpose: these are not files, they answer from memory,
 * and a sample that is spread over many turns counts processes twice or not at all.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface TreeSample {
  readonly processes: number;
  readonly memoryBytes: number;
}

/** Tells a process from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since the machine started. */
  readonly startTime: string;
}

/** Stops counting beyond `maxProcesses`: a sample of a fork bomb must not take longer than the bomb needs to grow. */
export function sampleTree(root: number, maxProcesses: number): TreeSample {
  const pids = [root];
  let processes = 0;
  let memoryBytes = 0;
  for (let pid = pids.pop(); pid !== undefined && processes <= maxProcesses; pid = pids.pop()) {
    const status = readText(`/proc/${pid}/status`);
    if (status === null) continue;
    processes += 1;
    memoryBytes += memoryIn(status);
    // Nearly all have one, and a look at the list of threads is half of what a look at a process costs.
    pids.push(...(/^Threads:\s+1$/m.test(status) ? childrenOfThread(pid, pid) : childrenOf(pid)));
  }
  return { processes, memoryBytes };
}

/** Of every thread, since each has children of its own. */
export function childrenOf(pid: number): number[] {
  return entriesOf(`/proc/${pid}/task`).flatMap((thread) => childrenOfThread(pid, thread));
}

const childrenOfThread = (pid: number, thread: number | string): number[] =>
  (readText(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number);

/**
 * What is its own, in memory or swapped out, and what it has mapped of shared memory; not the pages of programs and other
 * files, which the kernel drops when it needs them.
 */
function memoryIn(status: string): number {
  let kibibytes = 0;
  for (const [, amount] of status.matchAll(/^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB$/gm)) kibibytes += Number(amount);
  return kibibytes * 1024;
}

/** Null when there is no such process. */
export function identityOf(pid: number): ProcessIdentity | null {
  const fields = statOf(pid);
  // The 22nd of all; those before the state are cut off.
  const startTime = fields?.[19];
  return startTime === undefined ? null : { pid, startTime };
}

/** True while it, or what is left of it that still does something, is there; a zombie waits only for its parent. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  const fields = statOf(pid);
  return fields !== null && fields[19] === startTime && fields[0] !== 'Z' && fields[0] !== 'X';
}

/** From the state on: the name before it is the process's own choice and may hold blanks and brackets. */
function statOf(pid: number): string[] | null {
  const stat = readText(`/proc/${pid}/stat`);
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Null for a process that is gone, or went while it was read. */
function readText(file: string): string | null {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return null;
  }
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
