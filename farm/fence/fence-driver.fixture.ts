/**
 * A node reduced to its fence, as a process of its own: so it can be run as another user, and be killed. Takes one job as
 * JSON in its argument and prints one JSON line for each thing that happens.
 */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { totalmem } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { runProcess, type SandboxWishes } from '../build/run-process.ts';
import { type Bounds, defaultBounds, OverrunError } from './bounds.ts';
import { probeFence } from './fence.ts';
import type { FenceHost } from './fence-host.ts';
import { type Enclosure, fencedCommand } from './fenced-command.ts';

export type DriverJob =
  | { readonly do: 'probe'; readonly stateDirectory: string }
  | {
      readonly do: 'run';
      readonly host: FenceHost;
      readonly enclosure: Enclosure;
      readonly command: readonly string[];
      readonly environment: Readonly<Record<string, string>>;
      readonly bounds: Partial<Bounds>;
      /** Aborts when the command has printed this. */
      readonly abortAt: string | null;
    };

export interface DriverResult {
  readonly ended?: { readonly state: string; readonly exitCode?: number; readonly signal?: string };
  readonly peaks?: { readonly memoryBytes: number; readonly processes: number; readonly diskBytes: number };
  readonly stdout: string;
  readonly stderr: string;
  readonly error?: { readonly message: string; readonly bound?: string; readonly kind?: string };
}

const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`);

/** In the place of the package proxy. */
const serve: SandboxWishes['serve'] = (listener) => {
  const server = createServer(async (request, response) => {
    const body = await text(request);
    if (request.url === '/large') response.end(Buffer.alloc(20_000_000, 'x'));
    else if (request.url === '/broken') response.destroy();
    else response.end(`${request.method} ${request.url}${body && ` ${body}`}`);
  });
  server.listen(listener);
  return () => {
    server.close();
    server.closeAllConnections();
  };
};

async function run(job: Extract<DriverJob, { do: 'run' }>): Promise<void> {
  const [file = '', ...args] = job.command;
  const { workspace } = job.enclosure;
  const abort = new AbortController();
  let printed = '';
  /** At the workspace, since the command is ready. Between two of them the watchdog looks at the processes several times. */
  let looks = 0;
  try {
    const result = await runProcess({
      ...fencedCommand(job.enclosure, { file, args, environment: job.environment }, job.host),
      cwd: workspace,
      temporaryDirectory: workspace,
      signal: abort.signal,
      sandbox: {
        workspace,
        onDiskBytes: () => {
          if (printed.includes('ready\n') && ++looks === 2) writeFileSync(path.join(workspace, 'tmp/seen'), '');
        },
        bounds: { ...defaultBounds(totalmem()), freeBytes: 0, freeFiles: 0, ...job.bounds },
        ...(job.enclosure.hasListener ? { serve } : {}),
      },
      onOutput: (stream, chunk) => {
        if (stream !== 'stdout') return;
        printed = (printed + chunk.toString()).slice(-10_000);
        if (printed.includes('ready\n')) say({ ready: true });
        if (job.abortAt !== null && printed.includes(job.abortAt)) abort.abort(new Error('aborted by the test'));
      },
    });
    say(result);
  } catch (error) {
    const { overrun, kind, stdout, stderr } = error instanceof OverrunError ? error : ({} as Partial<OverrunError>);
    const message = error instanceof Error ? error.message : String(error);
    say({ stdout: stdout ?? printed, stderr: stderr ?? '', error: { message, bound: overrun?.bound, kind } });
  }
}

const job = JSON.parse(process.argv[2] ?? '') as DriverJob;
if (job.do === 'probe') say(await probeFence(job.stateDirectory));
else await run(job);
