/** The load generator: wrk, because a client in JavaScript would take as much processor time as the server it measures. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SCRIPT = path.join(import.meta.dirname, 'load.lua');
const INSTALL = 'apt-get install -y --no-install-recommends wrk';

export interface Load {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  /** Null: one of `lines` each time. */
  readonly path: string | null;
  /** File of bodies or of paths; null: `path` alone. */
  readonly lines: string | null;
  readonly ranks: string;
  /** Of the requests, how many are a line as it is; the others have a number in it that was never used before. */
  readonly repeats: number;
  /** What every answer must be. */
  readonly status: number;
  /** What a few may be all the same: what a limit lets through. */
  readonly exceptionStatus?: number;
  /** One more, as it goes over the wire. */
  readonly header?: string;
  readonly seed: number;
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  readonly requests: number;
  /** Of an answer, its head included. */
  readonly answerBytes: number;
  readonly medianUs: number;
  readonly p99Us: number;
}

/** More than this, and it is not the refusal that is measured. */
const MAX_EXCEPTIONS = 0.05;

/** @throws Error when any answer was not what it should be or any connection failed: a fast error must not count */
export async function runWrk(load: Load, signal: AbortSignal): Promise<LoadResult> {
  const { stdout } = await run(
    'wrk',
    [
      ...['--threads', '1', '--connections', String(load.connections), '--duration', `${load.seconds}s`],
      ...['--timeout', '10s', '--script', SCRIPT, load.url, '--'],
      ...[load.method, load.path ?? '-', load.lines ?? '-', load.ranks, String(load.seed), String(load.repeats)],
      ...[String(load.status), String(load.exceptionStatus ?? load.status), load.header ?? '-'],
    ],
    { signal, timeout: (load.seconds + 60) * 1000 },
  );
  const line = /^RESULT (.*)$/m.exec(stdout)?.[1];
  if (line === undefined) throw new Error(`expected a line RESULT from wrk, got ${stdout.slice(0, 500)}`);
  const result = JSON.parse(line) as Record<string, number>;
  const { requests = 0, durationUs = 1, medianUs = 0, p99Us = 0, bytes = 0 } = result;
  const { errors = 0, unexpected = 0, exceptions = 0, socketErrors = 0 } = result;
  if (requests === 0) throw new Error(`${load.method} ${load.url}: no answer within ${load.seconds} s`);
  const wrong = load.status >= 400 ? unexpected : errors;
  if (wrong + socketErrors > 0 || exceptions > MAX_EXCEPTIONS * requests)
    throw new Error(
      `${load.method} ${load.url}: of ${requests} answers ${wrong} were not ${load.status} and ${exceptions} were ${load.exceptionStatus}, ${socketErrors} connections failed`,
    );
  return { requestsPerSecond: requests / (durationUs / 1e6), requests, answerBytes: bytes / requests, medianUs, p99Us };
}

/** @throws Error with the line to run, where wrk is not there and cannot be installed */
export async function ensureWrk(): Promise<void> {
  if (await isThere()) return;
  if (process.getuid?.() !== 0) throw new Error(`The bench needs wrk. Install it with: sudo ${INSTALL}`);
  console.log(`installing wrk: ${INSTALL}`);
  await run('/bin/sh', ['-c', `apt-get update && ${INSTALL}`], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 600_000,
    maxBuffer: 64 * 1024 * 1024,
  }).catch((cause) => {
    throw new Error(`The bench needs wrk, and installing it failed. Run: ${INSTALL}`, { cause });
  });
}

/** It has no option that ends with 0. */
const isThere = (): Promise<boolean> =>
  run('wrk', ['--version']).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
