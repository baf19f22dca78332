/**
 * make in a build's private tree, under limits where the machine has prlimit. A failure comes back as what the user is to be
 * told of it.
 */
import { findTool } from '../imagebuilder/host-tools.ts';
import type { ProxySettings } from './build-environment.ts';
import { buildEnvironment } from './build-environment.ts';
import { classifyFailure, findUnreadFeed } from './classify-failure.ts';
import { ImageBuilderFailure } from './image-builder-failure.ts';
import { type Command, runProcess } from './run-process.ts';
import type { Workspace } from './workspace.ts';

export interface MakeOptions {
  readonly signal: AbortSignal;
  readonly proxy: ProxySettings;
  readonly graceMs: number | undefined;
  /** What make prints of the build itself, for those who look on. */
  readonly onOutput?: Command['onOutput'];
}

export interface MakeOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** The largest image that anything makes is far below; a process that writes without end is stopped here. */
const MAX_FILE_BYTES = 8 * 1024 ** 3;
/** Of one process; the deadline is what bounds the build. */
const MAX_CPU_S = 3600;
/** Of each end of a stream: a manifest of 10,000 packages, and enough to judge a failure by; what is told is cut later. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** The rest are tables that are made for us: of every profile, of every package. */
const SHOWN: Readonly<Record<'info' | 'manifest' | 'image', readonly string[]>> = {
  info: [],
  manifest: ['stderr'],
  image: ['stdout', 'stderr'],
};

/** @throws ImageBuilderFailure; Error when make cannot be started; the signal's reason */
export async function runMake(
  workspace: Workspace,
  stage: 'info' | 'manifest' | 'image',
  args: readonly string[],
  options: MakeOptions,
): Promise<MakeOutput> {
  const prlimit = await findTool('prlimit');
  const limits = ['--core=0', `--fsize=${MAX_FILE_BYTES}`, `--cpu=${MAX_CPU_S}`];
  const run = await runProcess({
    file: prlimit ?? 'make',
    args: prlimit === null ? args : [...limits, 'make', ...args],
    cwd: workspace.tree,
    environment: buildEnvironment(workspace, options.proxy),
    signal: options.signal,
    temporaryDirectory: workspace.temporaryDirectory,
    ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
    capBytes: KEPT_BYTES,
    onOutput: (stream, chunk) => {
      if (SHOWN[stage].includes(stream)) options.onOutput?.(stream, chunk);
    },
  });
  const isDone = run.ended.state === 'exited' && run.ended.exitCode === 0;
  const failure = isDone ? findUnreadFeed(run) : classifyFailure({ stage, ...run });
  if (failure) throw new ImageBuilderFailure(failure, run);
  return run;
}
