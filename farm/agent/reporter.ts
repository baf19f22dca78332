/**
 * Says what a node's builds are at, and how they ended: all in one call, a few seconds apart or as rarely as the edge asks; ends at
 * once. A last word that is not acknowledged is said again, for it is all that is left of a build.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { toBinary } from '@bufbuild/protobuf';
import {
  type LeaseReport,
  LeaseReportSchema,
  LeaseStanding,
  type ReportResponse,
} from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { backoffMs, pause } from '../backoff.ts';
import type { AgentOptions } from './agent.ts';
import { complain } from './ever-rarer.ts';
import { progressReport } from './node-report.ts';
import { ReportPace } from './report-pace.ts';
import type { RunningBuilds } from './running-builds.ts';

export const CALL_TIMEOUT_MS = 30_000;
/** For builds that end together. */
const GATHER_MS = 200;
const MAX_BATCH_BYTES = 3 * 1024 * 1024;

type ReporterOptions = Pick<AgentOptions, 'client' | 'outbox' | 'reportMs' | 'log'>;

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #builds: Pick<RunningBuilds, 'all' | 'isIdle' | 'stop'>;
  readonly #pace: ReportPace;
  #somethingToSay = Promise.withResolvers<void>();
  #hasSomethingToSay = false;

  constructor(options: ReporterOptions, builds: Pick<RunningBuilds, 'all' | 'isIdle' | 'stop'>) {
    this.#options = options;
    this.#builds = builds;
    this.#pace = new ReportPace(options.reportMs);
  }

  /** There is a last word to be said. */
  wake(): void {
    this.#hasSomethingToSay = true;
    this.#somethingToSay.resolve();
  }

  /** Until `signal` aborts and nothing runs. `hurry`: the time for last words is over. */
  async runUntil(signal: AbortSignal, hurry: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted || !this.#builds.isIdle; ) {
      await Promise.race([
        pause(failures > 0 ? backoffMs(failures, Math.random()) : this.#pace.untilNextMs, signal),
        this.#somethingToSay.promise,
      ]);
      // Told meanwhile, along with the end of a build.
      if (failures === 0 && !this.#hasSomethingToSay && !signal.aborted && this.#pace.untilNextMs > 0) continue;
      // Ends within a moment are one report. Not cut short by the stop, or what is left would be told in a tight loop.
      await sleep(Math.min(GATHER_MS, this.#options.reportMs));
      this.#somethingToSay = Promise.withResolvers();
      this.#hasSomethingToSay = false;
      try {
        await this.send(AbortSignal.any([AbortSignal.timeout(CALL_TIMEOUT_MS), hurry]));
        failures = 0;
      } catch (error) {
        failures += 1;
        complain(this.#options.log, 'reporting failed', error, failures);
        await pause(backoffMs(failures, Math.random(), 200), signal);
      }
    }
  }

  async send(signal: AbortSignal): Promise<void> {
    const { outbox, client } = this.#options;
    const last = outbox.unacknowledged();
    const ended = new Set(last.map(leaseOf));
    const reports = firstBatch([...last, ...this.#progressBut(ended)]);
    this.#pace.told();
    if (reports.length === 0) return;
    const answer = await client.report({ reports }, { signal, timeoutMs: CALL_TIMEOUT_MS });
    this.#hear(answer, ended);
    const heard = answer.acknowledgements.map(leaseOf).filter((leaseId) => ended.has(leaseId));
    for (const leaseId of heard) outbox.forget(leaseId);
    // The rest of the last words did not fit. Of an edge that acknowledges none there is no hurry to ask for more.
    if (heard.length > 0 && heard.length < ended.size) this.wake();
  }

  /** A last word that goes along with another call, and what else is to be said then. */
  withOthers(last: LeaseReport): LeaseReport[] {
    const ended = new Set([last, ...this.#options.outbox.unacknowledged()].map(leaseOf));
    return firstBatch([last, ...this.#progressBut(ended)]);
  }

  /** The answer to that. True where the lease of that last word is over. */
  heardWithOthers(last: LeaseReport, answer: ReportResponse): boolean {
    return this.#hear(answer, new Set([last.leaseId])).has(last.leaseId);
  }

  /**
   * Where all builds are, but for those whose last word is said: also while one of these is tidied up, since a report with a higher
   * number would have the edge take the word for an old one.
   */
  #progressBut(ended: ReadonlySet<string>): LeaseReport[] {
    return [...this.#builds.all]
      .filter(([leaseId]) => !ended.has(leaseId))
      .map(([leaseId, running]) => this.#options.outbox.progress(leaseId, progressReport(running)));
  }

  /** Stops what nobody waits for any more; `ended` have come to their end by themselves. Returns the leases that are over. */
  #hear({ acknowledgements, nextReportAfterMs }: ReportResponse, ended: ReadonlySet<string>): ReadonlySet<string> {
    this.#pace.told();
    this.#pace.asked(nextReportAfterMs);
    const over = acknowledgements.filter(({ standing }) => standing === LeaseStanding.ENDED);
    // What is over by its own last word is no reason to cut off the call that says it.
    for (const { leaseId } of over)
      if (!ended.has(leaseId) && !this.#builds.all.get(leaseId)?.lastWord)
        this.#builds.stop(leaseId, 'the lease is over');
    return new Set(over.map(({ leaseId }) => leaseId));
  }
}

const leaseOf = ({ leaseId }: { readonly leaseId: string }): string => leaseId;

/** What fits into one message; the rest follows when this is acknowledged. */
function firstBatch(reports: readonly LeaseReport[]): LeaseReport[] {
  let sizeBytes = 0;
  return reports.slice(0, 256).filter((report, at) => {
    sizeBytes += toBinary(LeaseReportSchema, report).length;
    return at === 0 || sizeBytes <= MAX_BATCH_BYTES;
  });
}
