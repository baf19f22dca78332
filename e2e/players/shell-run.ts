/** A program of ours as somebody at a shell starts it: what it prints, and how it ends. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { until } from '../stack-under-test.ts';

export interface ShellRun {
  readonly process: ChildProcess;
  /** Of both streams, so far. */
  output(): string;
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

export function shellRun(argv: readonly string[], options: Pick<SpawnOptions, 'env'> = {}): ShellRun {
  const child = spawn(process.execPath, argv, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
  return {
    process: child,
    output: () => output,
    ended: new Promise((resolve) => child.once('exit', (code) => resolve(code))),
  };
}

/** Asks each of them to end, and waits until they have. */
export async function endAll(runs: ShellRun[]): Promise<void> {
  for (const { process: child, ended } of runs.splice(0)) {
    child.kill('SIGTERM');
    await ended;
  }
}

/** @throws Error with what it said, where it ended instead */
export const untilReady = (run: ShellRun): Promise<unknown> =>
  until('it is ready', () => {
    if (run.process.exitCode !== null) throw new Error(`it ended: ${run.output()}`);
    return /^ready: /m.test(run.output());
  });
