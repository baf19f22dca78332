/**
 * A build as the agent sees it: an order goes in, steps come out, and the last event says how it ended. Whatever happens in
 * between ends in exactly one `succeeded` or `failed`, and a fault of this machine is never told as a fault of the request.
 *
 * The files of a success lie in the build's workspace until the caller has uploaded them and calls `removeWorkspace`
 * of the workshop. A failure leaves nothing behind.
 */
import { BuildError } from '../../shared/build/build-error.ts';
import { type BuildOrder, BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import type { BuildEvent, BuildFailure } from '../agent/build-event.ts';
import { isDiskFull } from '../disk/disk-full.ts';
import { OverrunError, type Peaks } from '../fence/bounds.ts';
import { LineCollector } from '../log/line-collector.ts';
import { type BuildImageOptions, buildImage } from './build-image.ts';
import { checkedOrder } from './checked-order.ts';
import { EventChannel } from './event-channel.ts';
import { ImageBuilderFailure } from './image-builder-failure.ts';
import { endsOf } from './output-ends.ts';
import { scrubberOf } from './scrub.ts';
import { ToldText } from './told-text.ts';
import type { Workshop } from './workshop.ts';

export interface BuildContext {
  readonly workshop: Workshop;
  /** Aborts the build: it ends as `node_lost`, to be built elsewhere. */
  readonly signal: AbortSignal;
  /** The edge's clock, by which the order's deadline is meant. */
  readonly now?: () => number;
  /** Between SIGTERM and SIGKILL where there is no fence; 5 s unless told. */
  readonly killGraceMs?: number;
  /** For the node's own log: what is behind an `internal` failure. May name paths of this machine. */
  readonly onFault?: (error: unknown) => void;
  /** What the build used; once for each command that ran in the fence. */
  readonly onPeaks?: (peaks: Peaks) => void;
}

/** setTimeout takes no more. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Events until exactly one `succeeded` or `failed`. A reader that leaves early aborts the build. */
export async function* build(order: BuildOrder, context: BuildContext): AsyncGenerator<BuildEvent, void, undefined> {
  const events = new EventChannel<BuildEvent>(
    (later, earlier) => later.type === 'step' && earlier.type === 'step' && later.step === earlier.step,
  );
  const leaving = new AbortController();
  const signal = AbortSignal.any([context.signal, leaving.signal]);
  const ended = run(order, { ...context, signal }, (event) => events.push(event)).finally(() => events.close());
  try {
    yield* events;
  } finally {
    leaving.abort();
    await ended;
  }
}

async function run(order: BuildOrder, context: BuildContext, emit: (event: BuildEvent) => void): Promise<void> {
  const startedMs = performance.now();
  const durationMs = () => Math.round(performance.now() - startedMs);
  const onStep: BuildImageOptions['onStep'] = (step, bytesDone = 0, bytesTotal = 0) =>
    emit({ type: 'step', step, bytesDone, bytesTotal });
  const told = new ToldText(order, context.workshop.stateDirectory);
  const log = logOf(order, told, (lines) => emit({ type: 'log', lines }));
  const deadline = deadlineSignal(Number(order.deadlineMs) - (context.now ?? Date.now)());
  try {
    onStep(BuildStep.INIT);
    const signal = AbortSignal.any([context.signal, deadline.signal]);
    const checked = checkedOrder(order);
    const onOutput: BuildImageOptions['onOutput'] = (stream, chunk) => log?.push(stream, chunk);
    const onWay: BuildImageOptions['onWay'] = ({ tellable }) => told.alsoBy(tellable);
    const result = await buildImage(checked, { ...context, signal, onStep, onOutput, onWay });
    log?.end();
    emit({ type: 'succeeded', result: { ...result, durationMs: durationMs() } });
  } catch (error) {
    log?.end();
    await context.workshop.removeWorkspace(order.leaseId).catch(() => {});
    const failure = failureOf(error, context, deadline.signal);
    emit({ type: 'failed', failure: { ...scrubbed(failure, order, told), durationMs: durationMs() } });
  } finally {
    deadline.clear();
  }
}

/** Null for a build with a first-boot script: whatever such a build prints is for nobody. */
function logOf(order: BuildOrder, told: ToldText, onLines: (lines: readonly string[]) => void) {
  if (order.inputs?.defaults !== '') return null;
  return new LineCollector({ scrub: (line) => told.of(line), onLines });
}

function deadlineSignal(remainingMs: number): { readonly signal: AbortSignal; readonly clear: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), Math.min(Math.max(remainingMs, 0), MAX_TIMER_MS));
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}

type Failure = Omit<BuildFailure, 'durationMs'>;

function failureOf(error: unknown, context: BuildContext, deadline: AbortSignal): Failure {
  // Asked first: whatever broke after an abort broke because of it.
  if (context.signal.aborted)
    return without('node_lost', 'Error: The build was stopped on this machine. This is not a fault of your request');
  if (deadline.aborted)
    return without('timeout', 'Error: The build did not end before its deadline. This is not a fault of your request');
  if (error instanceof ImageBuilderFailure) {
    if (error.kind === 'internal') context.onFault?.(error);
    const { kind, detail, stdout, stderr, missingPackages, conflictingPackages } = error;
    return { kind, detail, stdout, stderr, missingPackages, conflictingPackages };
  }
  if (error instanceof BuildError) {
    if (error.kind === 'internal') context.onFault?.(error);
    return { ...without(error.kind, error.detail), stdout: error.stdout, stderr: error.stderr };
  }
  context.onFault?.(error);
  // While an ImageBuilder was warmed; what the build itself used too much of is told by run-make.ts.
  if (error instanceof OverrunError) return { ...without(error.kind), stdout: error.stdout, stderr: error.stderr };
  // Of the error itself nothing is told: its message names paths of this machine.
  return without(isDiskFull(error) ? 'disk_full' : 'internal');
}

function without(kind: BuildFailure['kind'], detail?: string): Failure {
  const error = new BuildError(kind, detail);
  return { kind, detail: error.detail, stdout: '', stderr: '', missingPackages: [], conflictingPackages: [] };
}

/**
 * Without anything of the first-boot script, without saying where on this machine builds are made, and not longer than a
 * report may be. Cut twice: scrubbing megabytes would stop the node, and a piece of a secret that the second cut leaves at an
 * edge was scrubbed while it was whole.
 */
function scrubbed(failure: Failure, order: BuildOrder, told: ToldText): Failure {
  const withoutDefaults = scrubberOf(order.inputs?.defaults ?? '');
  const scrub = (text: string) => endsOf(withoutDefaults(told.of(endsOf(text, 4 * TOLD_BYTES))), TOLD_BYTES);
  return { ...failure, detail: scrub(failure.detail), stdout: scrub(failure.stdout), stderr: scrub(failure.stderr) };
}

/** Of each end of a stream, in a report. */
const TOLD_BYTES = 30 * 1024;
