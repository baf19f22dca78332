/**
 * The node's daily work: ask for an order while there is a free slot, build it, upload what came out, say what became of
 * it. Everything goes out from here; nobody calls the node. A process that is killed at any point loses no more than the
 * build that was running, and that one is handed back at the next start.
 */
import { randomUUID } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { hexToBytes } from '../shared/digest.ts';
import { type SigningKey, verifyEd25519 } from '../shared/ed25519.ts';
import {
  type BuildOrder,
  BuildOrderSchema,
  BuildStep,
  type SignedBuildOrder,
} from '../shared/gen/asu/farm/v1/build_pb.js';
import { type LeaseReport, LeaseStanding } from '../shared/gen/asu/farm/v1/foreman_pb.js';
import { SERVER_VERSION } from '../shared/server-version.ts';
import { backoffMs, pause } from './backoff.ts';
import { build } from './build/build.ts';
import { removeStaleWorkspaces, removeWorkspace } from './build/workspace.ts';
import type { BuildOutput } from './build-event.ts';
import type { ForemanClient, Membership } from './edge-client.ts';
import { failedReport, handedBackReport, progressReport, succeededReport } from './node-report.ts';
import type { Outbox } from './outbox.ts';
import { UploadError, uploadThroughEdge } from './upload/through-edge.ts';

export interface AgentOptions {
  readonly edgeUrl: string;
  readonly client: ForemanClient;
  readonly key: SigningKey;
  readonly membership: () => Membership | null;
  readonly outbox: Outbox;
  readonly stateDirectory: string;
  readonly slots: number;
  /** How often progress is told. */
  readonly reportMs: number;
  readonly log: (line: string) => void;
}

interface Running {
  readonly stop: AbortController;
  step: BuildStep;
  bytesDone: number;
  bytesTotal: number;
}

const LEASE_WAIT_SECONDS = 25;
/** The wait itself, and time for the answer to travel. */
const LEASE_TIMEOUT_MS = 40_000;
const CALL_TIMEOUT_MS = 30_000;
const LAST_WORDS_MS = 8_000;

export class Agent {
  readonly #options: AgentOptions;
  readonly #running = new Map<string, Running>();
  readonly #tasks = new Set<Promise<void>>();
  #somethingToSay = Promise.withResolvers<void>();
  #slotFree = Promise.withResolvers<void>();

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  /** Works until `signal` aborts, then hands back what runs, says so, and returns. */
  async run(signal: AbortSignal): Promise<void> {
    const { outbox, stateDirectory } = this.#options;
    // Counted as a lost build, not as one handed back: a build that takes its node down must not come back for ever.
    for (const leaseId of outbox.unfinished())
      outbox.finish(
        leaseId,
        failedReport({ ...NOTHING_BUILT, kind: 'node_lost', detail: 'the node died in the middle' }),
      );
    await removeStaleWorkspaces(stateDirectory, new Set());
    signal.addEventListener('abort', () => this.#wake());
    // First what the last process had to say: asking for work before would fetch the very build that it finished.
    await this.#sendReports(AbortSignal.timeout(CALL_TIMEOUT_MS)).catch(() => undefined);
    const reporting = this.#reportUntil(signal);
    await this.#leaseUntil(signal);
    for (const { stop } of this.#running.values()) stop.abort(new Error('the node stops'));
    await Promise.allSettled(this.#tasks);
    await reporting;
    await this.#sendReports(AbortSignal.timeout(LAST_WORDS_MS)).catch(() => undefined);
  }

  async #leaseUntil(signal: AbortSignal): Promise<void> {
    let key = randomUUID();
    for (let failures = 0; !signal.aborted; ) {
      if (this.#running.size >= this.#options.slots) {
        this.#slotFree = Promise.withResolvers();
        await Promise.race([this.#slotFree.promise, aborted(signal)]);
        continue;
      }
      try {
        const answer = await this.#options.client.lease(
          {
            idempotencyKey: key,
            waitSeconds: LEASE_WAIT_SECONDS,
            softwareVersion: SERVER_VERSION,
          },
          { signal, timeoutMs: LEASE_TIMEOUT_MS },
        );
        failures = 0;
        key = randomUUID();
        if (answer.order) await this.#accept(answer.order);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        // The key stays: an order that was given and whose answer was lost comes again.
        this.#complain('asking for work failed', error, failures);
        await pause(backoffMs(failures, Math.random()), signal);
      }
    }
  }

  async #accept(signed: SignedBuildOrder): Promise<void> {
    const edgeKey = hexToBytes(this.#options.membership()?.edgePublicKey ?? '');
    if (!(await verifyEd25519(edgeKey, signed.order, signed.signature))) {
      this.#options.log('an order was refused: it is not signed by the edge that this node joined');
      return;
    }
    const order = fromBinary(BuildOrderSchema, signed.order);
    if (this.#running.has(order.leaseId)) return;
    this.#options.outbox.take(order.leaseId, order.requestHash, Date.now());
    const task = this.#work(order).finally(() => {
      this.#running.delete(order.leaseId);
      this.#tasks.delete(task);
      this.#slotFree.resolve();
      this.#wake();
    });
    this.#tasks.add(task);
  }

  async #work(order: BuildOrder): Promise<void> {
    const { outbox, stateDirectory, log } = this.#options;
    const { leaseId } = order;
    const running: Running = { stop: new AbortController(), step: BuildStep.INIT, bytesDone: 0, bytesTotal: 0 };
    this.#running.set(leaseId, running);
    const name = `${order.requestHash.slice(0, 12)} ${order.inputs?.version} ${order.inputs?.target} ${order.inputs?.profile}`;
    log(`building ${name}`);
    try {
      for await (const event of build(order, {
        stateDirectory,
        signal: running.stop.signal,
        onFault: (fault) => log(`fault in ${name}: ${textOf(fault)}`),
      })) {
        if (event.type === 'step') {
          const isNewStep = running.step !== event.step;
          Object.assign(running, { step: event.step, bytesDone: event.bytesDone, bytesTotal: event.bytesTotal });
          if (isNewStep) this.#wake();
        } else if (running.stop.signal.aborted) {
          outbox.finish(leaseId, handedBackReport(String(running.stop.signal.reason)));
        } else if (event.type === 'failed') {
          log(`failed ${name}: ${event.failure.kind}: ${event.failure.detail}`);
          outbox.finish(leaseId, failedReport(event.failure));
        } else {
          await this.#upload(leaseId, event.result, running);
          log(`built ${name} in ${Math.round(event.result.durationMs / 100) / 10} s`);
          outbox.finish(leaseId, succeededReport(event.result));
        }
      }
    } catch (error) {
      if (running.stop.signal.aborted) {
        outbox.finish(leaseId, handedBackReport('the node stops'));
      } else {
        log(`failed ${name}: ${(error as Error).message}`);
        const kind = error instanceof UploadError ? 'upload_failed' : 'internal';
        outbox.finish(leaseId, failedReport({ ...NOTHING_BUILT, kind, detail: (error as Error).message }));
      }
    }
    await removeWorkspace(stateDirectory, leaseId);
  }

  async #upload(leaseId: string, result: BuildOutput, running: Running): Promise<void> {
    const bytesTotal = result.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    Object.assign(running, { step: BuildStep.SIGNING_IMAGES, bytesDone: 0, bytesTotal });
    const { edgeUrl, client, key, membership } = this.#options;
    await uploadThroughEdge(result.files, {
      edgeUrl,
      client,
      key,
      membership,
      leaseId,
      signal: running.stop.signal,
      onProgress: (bytesDone) => {
        running.bytesDone = bytesDone;
      },
    });
  }

  async #reportUntil(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted || this.#tasks.size > 0; ) {
      await Promise.race([
        pause(failures > 0 ? backoffMs(failures, Math.random()) : this.#options.reportMs, signal),
        this.#somethingToSay.promise,
      ]);
      this.#somethingToSay = Promise.withResolvers();
      try {
        await this.#sendReports(AbortSignal.timeout(CALL_TIMEOUT_MS));
        failures = 0;
      } catch (error) {
        failures += 1;
        this.#complain('reporting failed', error, failures);
        await pause(backoffMs(failures, Math.random(), 200), signal);
      }
      // Several steps within a moment are one report.
      await pause(Math.min(200, this.#options.reportMs), signal);
    }
  }

  async #sendReports(signal: AbortSignal): Promise<void> {
    const { outbox, client } = this.#options;
    const last = outbox.unacknowledged();
    const ended = new Set(last.map((report) => report.leaseId));
    const live: LeaseReport[] = [...this.#running]
      .filter(([leaseId]) => !ended.has(leaseId))
      .map(([leaseId, running]) => outbox.progress(leaseId, progressReport(running)));
    const reports = [...last, ...live].slice(0, 256);
    if (reports.length === 0) return;
    const { acknowledgements } = await client.report({ reports }, { signal, timeoutMs: CALL_TIMEOUT_MS });
    for (const acknowledgement of acknowledgements) {
      if (ended.has(acknowledgement.leaseId)) outbox.forget(acknowledgement.leaseId);
      else if (acknowledgement.standing === LeaseStanding.ENDED)
        this.#running.get(acknowledgement.leaseId)?.stop.abort(new Error('the lease is over'));
    }
  }

  #wake(): void {
    this.#somethingToSay.resolve();
  }

  /** The first failure and then ever rarer: an edge that is away for a night must not fill the disk with one sentence. */
  #complain(what: string, error: unknown, failures: number): void {
    if ((failures & (failures - 1)) !== 0) return;
    const text = error instanceof ConnectError ? `${Code[error.code]}: ${error.rawMessage}` : (error as Error).message;
    this.#options.log(`${what} (${failures} times): ${text}`);
  }
}

/** For this node's own log, which may name its paths. */
const textOf = (fault: unknown): string => (fault instanceof Error ? (fault.stack ?? fault.message) : String(fault));

const NOTHING_BUILT = { stdout: '', stderr: '', missingPackages: [], conflictingPackages: [], durationMs: 0 } as const;

const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
