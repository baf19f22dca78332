/**
 * The node's daily work: ask for an order while there is a free slot, have it fulfilled, say what became of it. Everything
 * goes out from here; who calls a node brings an order and nothing more. A process that is killed at any point loses no more
 * than the build that was running, and says at its next start that it is lost; what was built already it goes on uploading.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { BuildError } from '../../shared/build/build-error.ts';
import { hexToBytes } from '../../shared/crypto/digest.ts';
import { type SigningKey, verifyEd25519 } from '../../shared/crypto/ed25519.ts';
import { type BuildOrder, BuildOrderSchema, type SignedBuildOrder } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { nodeIdOf } from '../../shared/node/node-identity.ts';
import { type FeedOptIn, fetchesFrom } from '../../shared/trust/foreign-feeds.ts';
import { checkedOrder } from '../build/checked-order.ts';
import type { Workshop } from '../build/workshop.ts';
import type { DiskWatch } from '../disk/disk-watch.ts';
import type { NodeLog } from '../log/node-log.ts';
import type { ForemanClient, Membership } from '../membership/edge-client.ts';
import type { EdgeClock } from '../membership/edge-clock.ts';
import { tierOf } from '../membership/membership.ts';
import type { NodeMetrics } from '../metrics/node-metrics.ts';
import type { BuildNews } from '../server/build-news.ts';
import type { DirectStore } from '../upload/direct-store.ts';
import { isWhole } from './built.ts';
import { NOTHING_BUILT, textOf } from './fulfil-order.ts';
import { failedReport, handedBackReport } from './node-report.ts';
import type { Offer } from './offer.ts';
import type { Outbox } from './outbox.ts';
import { CALL_TIMEOUT_MS, Reporter } from './reporter.ts';
import { RunningBuilds } from './running-builds.ts';
import { WorkSeeker } from './work-seeker.ts';

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

const LAST_WORDS_MS = 8_000;
const NOT_OPTED_IN = 'it needs foreign feeds from which this node does not fetch';

export class Agent {
  readonly #options: AgentOptions;
  readonly #nodeId: string;
  readonly #builds: RunningBuilds;
  readonly #reporter: Reporter;
  readonly #seeker: WorkSeeker;
  /** Orders in a row that are not for this machine. */
  #turnedDown = 0;
  /** Null: does not work yet. */
  #signal: AbortSignal | null = null;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#nodeId = nodeIdOf(options.key.publicKey);
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
    this.#seeker = new WorkSeeker(options, {
      builds: this.#builds,
      setbacks: () => this.#builds.ownFaults + this.#turnedDown,
      accept: (order) => this.#accept(order),
      refuse: (order) => this.#refuse(order),
    });
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
    await this.#seeker.seekUntil(signal);
    await this.#builds.stopAll('the node stops');
    await reporting;
    await this.#reporter.send(AbortSignal.timeout(LAST_WORDS_MS)).catch(() => undefined);
  }

  heldImageBuilders(): Promise<string[]> {
    return this.#seeker.heldImageBuilders();
  }

  /** One that came as the node stops. */
  async #refuse(signed: SignedBuildOrder): Promise<void> {
    const order = await this.#verified(signed);
    if (order && !this.#builds.all.has(order.leaseId)) this.#giveBack(order, 'the node stops');
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

  /** Deadlines are on the edge's clock. */
  #edgeNow(): number {
    return this.#options.clock.now();
  }
}
