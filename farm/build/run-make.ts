/**
 * make in a build's private tree, behind the fence where there is one. A failure comes back as what the user is to be told
 * of it.
 */
import path from 'node:path';
import { OverrunError, type Peaks } from '../fence/bounds.ts';
import { ownResourceLimits } from '../fence/fence-host.ts';
import { fencedCommand } from '../fence/fenced-command.ts';
import type { Era } from '../imagebuilder/era.ts';
import { findTool } from '../imagebuilder/host-tools.ts';
import type { Trouble } from '../packages/proxy-trouble.ts';
import { buildEnvironment } from './build-environment.ts';
import type { BuildPlace } from './build-place.ts';
import { classifyFailure, findUnreadFeed } from './classify-failure.ts';
import { ImageBuilderFailure } from './image-builder-failure.ts';
import { type Command, type Ended, runProcess } from './run-process.ts';

export interface MakeOptions {
  readonly signal: AbortSignal;
  readonly graceMs: number | undefined;
  /** What make prints of the build itself, for those who look on. */
  readonly onOutput?: Command['onOutput'];
  /** What went wrong at the package proxy so far. */
  readonly trouble?: () => readonly Trouble[];
  readonly onPeaks?: ((peaks: Peaks) => void) | undefined;
  readonly era?: Era;
}

export interface MakeOutput {
  readonly stdout: string;
  readonly stderr: string;
}

export type Stage = 'info' | 'manifest' | 'image';

/** Of each end of a stream: a manifest of 10,000 packages, and enough to judge a failure by; what is told is cut later. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** The rest are tables that are made for us: of every profile, of every package. */
const SHOWN: Readonly<Record<Stage, readonly string[]>> = {
  info: [],
  manifest: ['stderr'],
  image: ['stdout', 'stderr'],
};

/** @throws ImageBuilderFailure, also for a build beyond its bounds; Error when make cannot be started; the signal's reason */
export async function runMake(
  place: BuildPlace,
  stage: Stage,
  args: readonly string[],
  options: MakeOptions,
): Promise<MakeOutput> {
  const onOutput: MakeOptions['onOutput'] = (stream, chunk) => {
    if (SHOWN[stage].includes(stream)) options.onOutput?.(stream, chunk);
  };
  const run = await startMake(place, args, { ...options, onOutput }).catch((error) => {
    if (!(error instanceof OverrunError)) throw error;
    const ended = { state: 'signalled', signal: 'SIGKILL' } as const;
    const { stdout, stderr, overrun } = error;
    throw new ImageBuilderFailure(classifyFailure({ stage, ended, stdout, stderr, overrun }), error);
  });
  const isDone = run.ended.state === 'exited' && run.ended.exitCode === 0;
  const evidence = { ...run, era: options.era, trouble: options.trouble?.() ?? [] };
  const failure = isDone ? findUnreadFeed(evidence) : classifyFailure({ stage, ...evidence });
  if (failure) throw new ImageBuilderFailure(failure, run);
  return run;
}

/** The same, not judged. @throws OverrunError; Error when make cannot be started; the signal's reason */
export async function startMake(
  place: BuildPlace,
  args: readonly string[],
  { signal, graceMs, onOutput, onPeaks }: MakeOptions,
): Promise<Ended> {
  try {
    const run = await runProcess({
      ...(await commandFor(place, args)),
      signal,
      // Of no build: a pipe that is made now may be another's tomorrow, who is not to read the name of this lease in it.
      temporaryDirectory: path.dirname(place.workspace.directory),
      ...(graceMs === undefined ? {} : { graceMs }),
      capBytes: KEPT_BYTES,
      onOutput,
    });
    if (run.peaks) onPeaks?.(run.peaks);
    return run;
  } catch (error) {
    if (error instanceof OverrunError) onPeaks?.(error.peaks);
    throw error;
  }
}

async function commandFor(
  place: BuildPlace,
  args: readonly string[],
): Promise<Pick<Command, 'file' | 'args' | 'cwd' | 'environment' | 'sandbox'>> {
  const { workspace, fence, lower, over, serve, bounds, onDiskBytes } = place;
  const environment = buildEnvironment(workspace);
  if (fence.host !== null) {
    const enclosure = { workspace: workspace.directory, lower, over: over ?? undefined, hasListener: serve !== null };
    return {
      ...fencedCommand(enclosure, { file: 'make', args, environment }, fence.host),
      cwd: workspace.directory,
      sandbox: { workspace: workspace.directory, bounds, onDiskBytes, serve: serve ?? undefined },
    };
  }
  const bare = { cwd: workspace.tree, environment };
  const prlimit = await findTool('prlimit');
  if (prlimit === null) return { ...bare, file: 'make', args };
  return { ...bare, file: prlimit, args: [...(await ownResourceLimits()), 'make', ...args] };
}
