/**
 * A real S3 server on loopback for tests, without Docker: OpenStack Swift with its S3 API (`swift-server.py`).
 *
 * Stand-ins that we could write ourselves would agree with our client by construction; this one checks signatures,
 * digests and ranges with code that we have not read. It installs itself where it may, and where it cannot it fails
 * with the command to run: a skipped store test would look exactly like a passed one.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { S3Server } from './provided-context.ts';

export interface Swift extends S3Server {
  /** Of its process, which leads a group of its own. */
  readonly pid: number;
  /** How it ended. */
  readonly ended: Promise<string>;
  /** Ends it as a power cut would. What it stored stays, for `startSwift({ again })`. */
  kill(): Promise<void>;
  /** Ends the server and removes everything that it stored. Safe to call twice. */
  stop(): Promise<void>;
}

export interface SwiftOptions {
  /**
   * Where the stored bytes go: a fresh directory is made in it and removed by `stop()`. It must be on a file system with
   * `user.*` extended attributes. Left out: the system's temporary directory, or this project's cache if that has none.
   */
  readonly directory?: string;
  /** One that was killed: its bytes are served once more, where they were and for the same key. */
  readonly again?: Swift;
}

/** Debian's own interpreter: Swift's packages are invisible to one from pyenv or conda, which PATH may name first. */
const python = '/usr/bin/python3';
const program = fileURLToPath(new URL('swift-server.py', import.meta.url));
const projectCache = fileURLToPath(new URL('../node_modules/.cache', import.meta.url));

/** The library alone, about 15 MB with what it needs: Debian's `swift-proxy` and the like would bring services and uWSGI. */
const aptGetLine =
  'apt-get update && apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends python3-swift';
/** The exit status by which `swift-server.py` says so. */
const packagesMissing = 3;

const startTimeoutMs = 120_000;
const stopTimeoutMs = 5_000;

/** Starts a server of its own (about 1.5 s; half a minute when the packages must be installed first). */
export async function startSwift(options: SwiftOptions = {}): Promise<Swift> {
  const { again } = options;
  const directories = options.directory === undefined ? [tmpdir(), projectCache] : [options.directory];
  const first = await tryToStart(directories, again && left.get(again));
  if (first.state === 'serving') return first.swift;
  if (first.exitCode !== packagesMissing) throw new Error(`Swift did not start: ${first.complaint}`);

  await installPackages();
  const second = await tryToStart(directories);
  if (second.state === 'serving') return second.swift;
  throw new Error(`Swift did not start although its packages are installed: ${second.complaint}`);
}

type Start = { state: 'serving'; swift: Swift } | { state: 'ended'; exitCode: number | null; complaint: string };

/** What the next one needs to serve the same. */
interface Left {
  readonly port: number;
  readonly directory: string;
  readonly secretAccessKey: string;
}

/** Of every server that was started: no business of those who use it. */
const left = new WeakMap<Swift, Left>();

async function tryToStart(directories: readonly string[], again?: Left): Promise<Start> {
  // tempauth's users are written account:user, and so are the access keys made of them.
  const accessKeyId = 'asu:edge';
  const secretAccessKey = again?.secretAccessKey ?? randomBytes(20).toString('hex');
  const where = again ? ['--again', again.directory, String(again.port)] : directories;
  const child = spawn(python, [program, accessKeyId, secretAccessKey, ...where], {
    // A group of its own: Ctrl-C in the terminal is for the test run, which then stops this server in its own time.
    detached: true,
    // Standard input stays open for as long as this process lives; its end is the server's order to leave.
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<{ exitCode: number | null; reason?: string }>((resolve) => {
    child.once('exit', (exitCode) => resolve({ exitCode }));
    child.once('error', (error: NodeJS.ErrnoException) => {
      // No Python at all is the same case as no Swift: the package brings both.
      resolve({ exitCode: error.code === 'ENOENT' ? packagesMissing : null, reason: error.message });
    });
  });
  child.stdin.on('error', () => {}); // EPIPE when it has ended before us: `ended` tells that.
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4_000);
  });

  const lines = createInterface({ input: child.stdout });
  const firstLine = once(lines, 'line').then(([line]) => ({ line: String(line) }));
  const outcome = await Promise.race([firstLine, ended, timeout(startTimeoutMs)]);
  if (outcome === 'timeout') {
    await endProcess(child, ended);
    return { state: 'ended', exitCode: null, complaint: `no answer within ${startTimeoutMs} ms. ${complaint}` };
  }
  if ('exitCode' in outcome) {
    lines.close();
    return { state: 'ended', exitCode: outcome.exitCode, complaint: outcome.reason ?? complaint };
  }
  const { port, directory } = JSON.parse(outcome.line) as { port: number; directory: string };
  const swift: Swift = {
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId,
    secretAccessKey,
    region: 'us-east-1',
    pid: child.pid ?? 0,
    ended: ended.then(({ exitCode, reason }) => reason ?? `exit code ${exitCode}`),
    async kill() {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, 'SIGKILL');
      await ended;
    },
    async stop() {
      await endProcess(child, ended);
      // The server removes it itself; this is for one that had to be killed.
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  left.set(swift, { port, directory, secretAccessKey });
  return { state: 'serving', swift };
}

/** Asks first, by closing its input; then kills its whole group, so that nothing stays behind whatever it may have started. */
async function endProcess(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.stdin?.end();
  const outcome = await Promise.race([ended, timeout(stopTimeoutMs)]);
  if (outcome === 'timeout' && child.pid !== undefined) {
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }
}

async function installPackages(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Error(`The S3 tests need OpenStack Swift, which is not installed. Run: sudo sh -c '${aptGetLine}'`);
  }
  console.error(`Installing OpenStack Swift for the S3 tests: ${aptGetLine}`);
  try {
    await promisify(execFile)('/bin/sh', ['-c', aptGetLine], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      timeout: 600_000,
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (cause) {
    const output = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : String(cause);
    throw new Error(`The S3 tests need OpenStack Swift, and installing it failed. Run: ${aptGetLine}\n${output}`, {
      cause,
    });
  }
}

function timeout(afterMs: number): Promise<'timeout'> {
  return new Promise((resolve) => setTimeout(resolve, afterMs, 'timeout' as const).unref());
}
