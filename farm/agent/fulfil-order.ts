/**
 * One order from its first step to the last word about it: build, tell what is printed, upload what came out. Whatever goes
 * wrong ends in a report; nothing is thrown.
 */
import { BUILD_ERRORS } from '../../shared/build/build-error.ts';
import { type BuildOrder, BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import type { LeaseReport, ReportResponse } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import type { LogFields } from '../../shared/text/log-line.ts';
import { build } from '../build/build.ts';
import { LogSender } from '../log/log-sender.ts';
import { putLogPiece } from '../log/put-log-piece.ts';
import { signFailureStatement, signImageStatement } from '../membership/sign-statement.ts';
import { BuildObserver } from '../metrics/build-observer.ts';
import type { BuildResultKind } from '../metrics/node-metrics.ts';
import { StoreAway, UploadError } from '../upload/with-retries.ts';
import type { AgentOptions } from './agent.ts';
import type { BuildEvent, BuildFailure } from './build-event.ts';
import type { Built } from './built.ts';
import { deliver } from './deliver.ts';
import { failedReport, handedBackReport, succeededReport } from './node-report.ts';

/** How far a build has come, for the next report; written by who fulfils the order. */
export interface Running {
  readonly stop: AbortController;
  /** Of the order; see the protocol. */
  readonly logPermit: string;
  /** Once it is on the way. */
  lastWord: LeaseReport | null;
  step: BuildStep;
  bytesDone: number;
  bytesTotal: number;
}

export interface FulfilOptions
  extends Pick<AgentOptions, 'edgeUrl' | 'client' | 'key' | 'membership' | 'store' | 'workshop' | 'metrics' | 'log'> {
  /** Between two pieces of a log. */
  readonly reportMs: number;
  /** The edge's clock. */
  readonly now: () => number;
  readonly onNewStep: () => void;
  /** Before it is uploaded. */
  readonly onBuilt: (leaseId: string, built: Built) => void;
  /** A last word as it is said before it is written down: until the files are complete it would be a lie to say it by itself. */
  readonly numbered: (leaseId: string, lastWord: LeaseReport['event']) => LeaseReport;
  /** Has no report of its lease been numbered since? */
  readonly isLatest: (lastWord: LeaseReport) => boolean;
  /** Along with what other builds are at. */
  readonly withOthers: (last: LeaseReport) => LeaseReport[];
  /** The answer to those. True where the lease of that last word is over. */
  readonly onHeard: (last: LeaseReport, answer: ReportResponse) => boolean;
}

export interface Fulfilled {
  readonly lastWord: LeaseReport['event'];
  /** The edge has heard it. */
  readonly isTold?: boolean;
  /** Does the end speak for this machine or against it? Null: neither. */
  readonly isOwnFault: boolean | null;
  readonly result: BuildResultKind;
}

/** Of this machine, not of the request or of others. */
const OWN_FAULTS: readonly string[] = ['disk_full', 'internal'];
/** The lease ends with the last word, and with it the log: so long it may wait for the rest. */
const LAST_LINES_MS = 3_000;

/** What an earlier process has built, and not brought to its end. */
export async function fulfilBuilt(
  leaseId: string,
  built: Built,
  running: Running,
  options: FulfilOptions,
): Promise<Fulfilled> {
  const observer = new BuildObserver(options.metrics);
  observer.step(BuildStep.SIGNING_IMAGES);
  const told = { request: built.requestHash, lease: leaseId };
  options.log(`going on with the upload of ${built.name}`, told);
  const fulfilled = await deliver(leaseId, built, running, options, Promise.resolve()).catch((error) =>
    endOf(error, { name: built.name, told }, running, options),
  );
  observer.end(fulfilled.result);
  return fulfilled;
}

export async function fulfil(order: BuildOrder, running: Running, options: FulfilOptions): Promise<Fulfilled> {
  const observer = new BuildObserver(options.metrics);
  const fulfilled = await fulfilObserved(order, running, options, observer);
  observer.end(fulfilled.result);
  return fulfilled;
}

async function fulfilObserved(
  order: BuildOrder,
  running: Running,
  options: FulfilOptions,
  observer: BuildObserver,
): Promise<Fulfilled> {
  const { workshop, log } = options;
  const { leaseId, inputs } = order;
  const told = { request: order.requestHash, lease: leaseId };
  const name = `${order.requestHash.slice(0, 12)} ${inputs?.version} ${inputs?.target} ${inputs?.profile}`;
  const lines = new LogSender({
    put: (piece, text, signal) => putLogPiece({ ...options, leaseId, permit: running.logPermit }, piece, text, signal),
    paceMs: options.reportMs,
    onLost: (reason) => log(`the log of ${name} is not told: ${reason}`, told),
  });
  running.stop.signal.addEventListener('abort', () => lines.drop(), { once: true });
  log(`building ${name}`, told);
  try {
    const last = await lastOf(
      build(order, {
        workshop,
        signal: running.stop.signal,
        now: options.now,
        onFault: (fault) => log(`fault in ${name}: ${textOf(fault)}`, told),
        onPeaks: (peaks) => observer.peaks(peaks),
      }),
      running,
      (isNewStep) => {
        observer.step(running.step);
        if (isNewStep) options.onNewStep();
      },
      lines,
    );
    if (running.stop.signal.aborted) return stopped(running);
    if (last.type === 'failed') {
      log(`failed ${name}: ${last.failure.kind}: ${last.failure.detail}`, { ...told, kind: last.failure.kind });
      await lines.finish(LAST_LINES_MS);
      const { kind } = last.failure;
      const statement = await signFailureStatement(options.key, order, last.failure);
      return { lastWord: failedReport(last.failure, statement), isOwnFault: OWN_FAULTS.includes(kind), result: kind };
    }
    observer.step(BuildStep.SIGNING_IMAGES);
    const lastWord = succeededReport(last.result, await signImageStatement(options.key, order, last.result));
    const built: Built = {
      name,
      requestHash: order.requestHash,
      deadlineMs: Number(order.deadlineMs),
      files: last.result.files,
      lastWord,
      durationMs: last.result.durationMs,
      isPrivate: inputs?.defaults !== '',
    };
    options.onBuilt(leaseId, built);
    return await deliver(leaseId, built, running, options, lines.finish(LAST_LINES_MS));
  } catch (error) {
    return endOf(error, { name, told }, running, options);
  } finally {
    lines.drop();
  }
}

/** Follows a build to its end. */
async function lastOf(
  events: AsyncIterable<BuildEvent>,
  running: Running,
  onStep: (isNewStep: boolean) => void,
  lines: LogSender,
): Promise<Exclude<BuildEvent, { type: 'step' | 'log' }>> {
  let last: Exclude<BuildEvent, { type: 'step' | 'log' }> | undefined;
  for await (const event of events) {
    if (event.type === 'log') lines.add(event.lines);
    else if (event.type === 'step') {
      const isNewStep = running.step !== event.step;
      Object.assign(running, { step: event.step, bytesDone: event.bytesDone, bytesTotal: event.bytesTotal });
      onStep(isNewStep);
    } else last = event;
  }
  if (!last) throw new Error('expected a build to say how it ended');
  return last;
}

function endOf(
  error: unknown,
  { name, told }: { readonly name: string; readonly told: LogFields },
  running: Running,
  options: FulfilOptions,
): Fulfilled {
  if (running.stop.signal.aborted) return stopped(running);
  const kind = error instanceof UploadError ? error.kind : 'internal';
  options.log(`failed ${name}: ${textOf(error)}`, { ...told, kind });
  if (error instanceof StoreAway) return handedBack(error.message);
  // Of any other error nothing is told: its message names paths of this machine.
  const detail = error instanceof UploadError ? error.message : BUILD_ERRORS.internal.text;
  const lastWord = failedReport({ ...NOTHING_BUILT, kind, detail });
  return { lastWord, isOwnFault: kind === 'internal' || null, result: kind };
}

/** Whatever broke, broke because of that. */
const stopped = ({ stop: { signal } }: Running): Fulfilled => handedBack((signal.reason as Error).message);

const handedBack = (reason: string): Fulfilled => ({
  lastWord: handedBackReport(reason),
  isOwnFault: null,
  result: 'handed_back',
});

/** For this node's own log, which may name its paths. */
export function textOf(fault: unknown): string {
  if (!(fault instanceof Error)) return String(fault);
  const cause = fault.cause === undefined ? '' : `\ncaused by: ${textOf(fault.cause)}`;
  return `${fault.stack ?? fault.message}${cause}`;
}

export const NOTHING_BUILT = {
  stdout: '',
  stderr: '',
  missingPackages: [],
  conflictingPackages: [],
  durationMs: 0,
} as const satisfies Omit<BuildFailure, 'kind' | 'detail'>;
