/** `asu` for tests: as a process, and as a command of the test's own process where a table would else start a hundred of them. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { Writable } from 'node:stream';
import type { Command } from './command.ts';
import { UsageError } from './flags.ts';
import { terminalOf } from './terminal.ts';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface AsuProcess {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it wrote to stderr so far. */
  stderr(): string;
}

interface Options {
  readonly cwd?: string;
  /** Before the program: `bwrap …`. */
  readonly wrapper?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const MAIN = path.join(import.meta.dirname, 'main.ts');

export function startAsu(args: readonly string[], { cwd, wrapper = [], environment = {} }: Options = {}): AsuProcess {
  const { ASU_SERVER: _, ...inherited } = process.env;
  const [file = '', ...rest] = [...wrapper, process.execPath, MAIN, ...args];
  const child = spawn(file, rest, { cwd, env: { ...inherited, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  return {
    process: child,
    stderr: () => stderr,
    ended: new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status) => resolve({ status, stdout, stderr }));
    }),
  };
}

export const asu = (args: readonly string[], options?: Options): Promise<Ended> => startAsu(args, options).ended;

function collect(isTTY: boolean) {
  let text = '';
  const writable = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  const stream = Object.assign(writable, { isTTY, columns: 120 }) as unknown as NodeJS.WriteStream;
  return { stream, text: () => text };
}

interface InProcess {
  readonly environment?: NodeJS.ProcessEnv;
  readonly isTTY?: boolean;
}

/** As a process would end; what a process would die of is thrown. */
export async function inProcess(command: Command, args: readonly string[], options: InProcess = {}): Promise<Ended> {
  const { environment = {}, isTTY = false } = options;
  const [out, err] = [collect(isTTY), collect(isTTY)];
  const terminal = terminalOf(out.stream, err.stream, environment);
  let status: number;
  try {
    status = await command(args, { terminal, environment, signal: new AbortController().signal });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    err.stream.write(`${error.message}\n`);
    status = 2;
  }
  return { status, stdout: out.text(), stderr: err.text() };
}
