/**
 * The node's daily work: ask for an order while there is a free slot, have it fulfilled, say what became of it. Everything
 * goes out from here; who calls a node brings an order and nothing more. A process that is killed at any point loses no more
 * than the build that was running, and says at its next start that it is lost; what was built already it goes on uploading.
 */
import { randomUUID } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { BuildError } from '../shared/build-error.ts';
import { hexToBytes } from '../shared/digest.ts';
import { type SigningKey, verifyEd25519 } from '../shared/ed25519.ts';
import { FARM_PROTOCOL } from '../shared/farm-protocol.ts';
import { type BuildOrder, BuildOrderSchema, type SignedBuildOrder } from '../shared/gen/asu/farm/v1/build_pb.js';
import { nodeIdOf } from '../shared/node-identity.ts';
import { SERVER_VERSION } from '../shared/server-version.ts';
import { type FeedOptIn, fetchesFrom } from '../shared/trust/foreign-feeds.ts';
import { backoffMs, pause } from './backoff.ts';
import { checkedOrder } from './build/checked-order.ts';
import type { Workshop } from './build/workshop.ts';
import { isWhole } from './built.ts';
import type { DiskWatch } from './disk/disk-watch.ts';
import type { ForemanClient, Membership } from './edge-client.ts';
import type { EdgeClock } from './edge-clock.ts';
import { complain, isWorthSayingAgain } from './ever-rarer.ts';
import { NOTHING_BUILT, textOf } from './fulfil-order.ts';
import { HeardStanding } from './heard-standing.ts';
import type { NodeLog } from './log/node-log.ts';
import { tierOf } from './membership.ts';
import type { NodeMetrics } from './metrics/node-metrics.ts';
import { failedReport, handedBackReport } from './node-report.ts';
import type { Offer } from './offer.ts';
import type { Outbox } from './outbox.ts';
import { CALL_TIMEOUT_MS, Reporter } from './reporter.ts';
import { RunningBuilds } from './running-builds.ts';
import type { BuildNews } from './server/build-news.ts';
import type { DirectStore } from './upload/direct-store.ts';

export interface AgentOptions {
  readonly edgeUrl: string;
  readonly client: ForemanClient;
  readonly key: SigningKey;
  readonly membership: () => Membership | null;
  readonly clock: EdgeClock;
  readonly outbox: Outbox;
  /** Where trusted nodes may put files by themselves; null: through the edge. */
  readonly store: DirectStore | null;
  readonly workshop: Workshop;
  readonly disk: DiskWatch;
  readonly metrics: NodeMetrics;
  readonly slots: number;
  /** From which foreign feeds the owner of this machine has builds fetch. */
  readonly foreignFeeds: FeedOptIn;
  /** How often progress is told, of all builds together; ends alone do not wait for it. */
  readonly reportMs: number;
  readonly log: NodeLog['line'];
}

const LEASE_WAIT_SECONDS = 25;
/** The wait itself, and time for the answer to travel. */
const LEASE_TIMEOUT_MS = 40_000;
const LAST_WORDS_MS = 8_000;
/** The edge is told that the node stops; one that hangs finds it out by itself. */
const FAREWELL_MS = 3_000;
/** Between two looks at a full disk. */
const FULL_MS = 30_000;
const NOT_OPTED_IN = 'it needs foreign feeds from which this node does not fetch';
/** As many ImageBuilders are told to the edge. */
const MAX_HELD = 64;

export class Agent {
  readonly #options: AgentOptions;
  readonly #nodeId: string;
  readonly #standing: HeardStanding;
  readonly #builds: RunningBuilds;
  readonly #reporter: Reporter;
  #fullTimes = 0;
  /** Orders in a row that are not for this machine. */
  #turnedDown = 0;
  #clockFault: string | null = null;
  /** Null: does not work yet. */
  #signal: AbortSignal | null = null;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#nodeId = nodeIdOf(options.key.publicKey);
    this.#standing = new HeardStanding(options.log);
    this.#builds = new RunningBuilds({
      ...options,
      now: () => this.#edgeNow(),
      onEnd: (isTold) => {
        if (!isTold) this.#reporter.wake();
      },
      withOthers: (last) => this.#reporter.withOthers(last),
      onHeard: (last, answer) => this.#reporter.heardWithOthers(last, answer),
    });
    this.#reporter = new Reporter(options, this.#builds);
  }

  get news(): BuildNews {
    return this.#builds.news;
  }

  get slots(): number {
    return this.#options.slots;
  }

  get running(): number {
    return this.#builds.size;
  }

  /** Works until `signal` aborts, then hands back what runs, says so, and returns. */
  async run(signal: AbortSignal): Promise<void> {
    const { outbox, workshop } = this.#options;
    // Counted as a lost build, not as one handed back: a build that takes its node down must not come back for ever.
    for (const leaseId of outbox.unfinished()) {
      const built = outbox.takeUp(leaseId);
      if (built && (await isWhole(built))) {
        this.#builds.takeUp(leaseId, built);
        continue;
      }
      outbox.finish(
        leaseId,
        failedReport({ ...NOTHING_BUILT, kind: 'node_lost', detail: 'the node died in the middle' }),
      );
      await workshop
        .removeWorkspace(leaseId)
        .catch((error) => this.#options.log(`lease ${leaseId} could not be tidied up: ${textOf(error)}`));
    }
    const hurry = new AbortController();
    signal.addEventListener('abort', () => {
      this.#reporter.wake();
      setTimeout(() => hurry.abort(), LAST_WORDS_MS).unref();
    });
    // First what the last process had to say: asking for work before would fetch the very build that it finished.
    await this.#reporter.send(AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)])).catch(() => undefined);
    this.#signal = signal;
    const reporting = this.#reporter.runUntil(signal, hurry.signal);
    await this.#leaseUntil(signal);
    await this.#builds.stopAll('the node stops');
    await reporting;
    await this.#reporter.send(AbortSignal.timeout(LAST_WORDS_MS)).catch(() => undefined);
  }

  async #leaseUntil(signal: AbortSignal): Promise<void> {
    const stopped = aborted(signal);
    let key = randomUUID();
    for (let failures = 0; !signal.aborted; ) {
      if (this.#builds.isFull) {
        await Promise.race([this.#builds.oneEnds(), stopped]);
        continue;
      }
      if (!(await this.#hasRoom(signal))) continue;
      // A machine that lacks something fails within moments, and would be the first to take the next build, and the next.
      const setbacks = this.#builds.ownFaults + this.#turnedDown;
      if (setbacks > 0) await pause(backoffMs(setbacks, Math.random(), 10_000, 300_000), signal);
      try {
        const question = { ...(await this.#question(key)), waitSeconds: LEASE_WAIT_SECONDS };
        const answer = await this.#options.client.lease(question, { signal, timeoutMs: LEASE_TIMEOUT_MS });
        failures = 0;
        this.#standing.hear(answer);
        if (answer.edgeTimeMs > 0n) this.#hearTime(Number(answer.edgeTimeMs));
        if (answer.order) await this.#accept(answer.order);
        // Not before: an order that could not be written down must come again.
        key = randomUUID();
      } catch (error) {
        if (signal.aborted) return this.#takeNothingMore(key);
        failures += 1;
        // The key stays: an order that was given and whose answer was lost comes again.
        complain(this.#options.log, 'asking for work failed', error, failures);
        await pause(backoffMs(failures, Math.random()), signal);
      }
    }
  }

  /** Its own words about itself. */
  async #question(idempotencyKey: string) {
    const { slots, foreignFeeds } = this.#options;
    return {
      idempotencyKey,
      softwareVersion: SERVER_VERSION,
      protocol: FARM_PROTOCOL,
      slots,
      heldImageBuilders: await this.heldImageBuilders(),
      knownStanding: this.#standing.known,
      ...(foreignFeeds && { feeds: { prefixes: [...foreignFeeds] } }),
    };
  }

  /**
   * The question was broken off, and at the edge it waits still: what it is given from now on nobody would build until its lease is over.
   * What it was given in this moment is handed back.
   */
  async #takeNothingMore(key: string): Promise<void> {
    try {
      const question = { ...(await this.#question(key)), stops: true };
      const { order: signed } = await this.#options.client.lease(question, { timeoutMs: FAREWELL_MS });
      const order = signed ? await this.#verified(signed) : null;
      if (order && !this.#builds.all.has(order.leaseId)) this.#giveBack(order, 'the node stops');
    } catch (error) {
      complain(this.#options.log, 'the edge could not be told that this node stops', error, 1);
    }
  }

  /** So that builds come where their ImageBuilder is. One that cannot be listed now costs a cold start, no more. */
  async heldImageBuilders(): Promise<string[]> {
    const list = await this.#options.workshop.imageBuilders.list().catch(() => []);
    return list.slice(0, MAX_HELD).map(({ sha256 }) => sha256);
  }

  /** False after a while in which there was none: with a full disk no work is taken, and the log says so. */
  async #hasRoom(signal: AbortSignal): Promise<boolean> {
    const full = await this.#options.disk.isFull().catch((error) => `the disk cannot be asked: ${error.message}`);
    if (full === null) {
      this.#fullTimes = 0;
      return true;
    }
    this.#fullTimes += 1;
    if (isWorthSayingAgain(this.#fullTimes)) this.#options.log(`no work is taken: ${full}`);
    await pause(FULL_MS, signal);
    return false;
  }

  async #accept(signed: SignedBuildOrder): Promise<void> {
    const order = await this.#verified(signed);
    if (order === null)
      throw new Error(
        'an order was refused: it is not signed by the edge that this node joined, or is for another node',
      );
    if (this.#builds.all.has(order.leaseId)) return;
    if (!this.#isFetchedFrom(order)) {
      this.#turnedDown += 1;
      this.#options.log(`an order was handed back: ${NOT_OPTED_IN}`);
      this.#giveBack(order, NOT_OPTED_IN);
      return;
    }
    this.#turnedDown = 0;
    // An order that was brought took the slot while this one was asked for.
    if (this.#builds.isFull) this.#giveBack(order, 'the node has taken another build meanwhile');
    else this.#builds.begin(order, signed.logPermit);
  }

  #giveBack({ leaseId, requestHash }: BuildOrder, reason: string): void {
    this.#options.outbox.take(leaseId, requestHash, Date.now());
    this.#options.outbox.finish(leaseId, handedBackReport(reason));
    this.#reporter.wake();
  }

  /** The edge knows as well; but whose address it is from which feeds are fetched is not for the edge to say. */
  #isFetchedFrom({ inputs }: BuildOrder): boolean {
    const tier = tierOf(this.#options.membership()?.certificate ?? '');
    const urls = inputs?.repositories.map(({ url }) => url) ?? [];
    return fetchesFrom({ tier, feeds: this.#options.foreignFeeds }, urls);
  }

  /** An order that was brought instead of asked for. The same one again is the same build, also when it has ended. */
  async offer(signed: SignedBuildOrder): Promise<Offer> {
    const order = await this.#verified(signed);
    if (order === null)
      return {
        state: 'forged',
        reason: 'the order is not signed by the edge that this node joined, or is for another node',
      };
    const taken: Offer = { state: 'taken', leaseId: order.leaseId };
    if (this.news.has(order.leaseId)) return taken;
    try {
      const { deadlineMs } = checkedOrder(order);
      if (deadlineMs <= this.#edgeNow()) return { state: 'wrong', reason: 'deadline_ms: expected a time to come' };
    } catch (error) {
      if (error instanceof BuildError) return { state: 'wrong', reason: error.detail };
      throw error;
    }
    const full = await this.#options.disk.isFull().catch(() => 'the disk cannot be asked');
    // From here on without a pause, or two orders could have the last slot.
    if (this.news.has(order.leaseId)) return taken;
    if (this.#signal === null) return { state: 'unable', reason: 'the node does not work yet' };
    if (this.#signal.aborted) return { state: 'unable', reason: 'the node stops' };
    if (full !== null) return { state: 'unable', reason: 'the disk of this node is full' };
    if (!this.#isFetchedFrom(order)) return { state: 'unable', reason: NOT_OPTED_IN };
    if (this.#builds.isFull)
      return { state: 'busy', reason: `no slot is free: ${this.#options.slots} of ${this.#options.slots} are taken` };
    this.#builds.begin(order, signed.logPermit);
    return taken;
  }

  /** Hands it back, if it still runs. */
  cancel(leaseId: string): void {
    this.#builds.stop(leaseId, "cancelled by the node's operator");
  }

  /** Null for one that is not the edge's, or is for another node. */
  async #verified({ order, signature }: SignedBuildOrder): Promise<BuildOrder | null> {
    const edgeKey = hexToBytes(this.#options.membership()?.edgePublicKey ?? '');
    if (!(await verifyEd25519(edgeKey, order, signature))) return null;
    const read = fromBinary(BuildOrderSchema, order);
    // Another node's order is signed as well: who took it to heart would speak of a lease that it was never given.
    return read.nodeId === '' || read.nodeId === this.#nodeId ? read : null;
  }

  /** What is wrong with the clock is said when it is news. */
  #hearTime(edgeTimeMs: number): void {
    const { clock } = this.#options;
    clock.hear(edgeTimeMs);
    const fault = clock.fault();
    if (fault !== null && fault !== this.#clockFault) this.#options.log(fault);
    this.#clockFault = fault;
  }

  /** Deadlines are on the edge's clock. */
  #edgeNow(): number {
    return this.#options.clock.now();
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
