/**
 * A node as the Foreman sees one: when it calls, and with what, as farm/agent/agent.ts, farm/upload and farm/log do it. What it builds
 * takes time and nothing else. It may go at any moment, with or without a word, and come back.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import type { ForemanCalls } from '../../edge/edge-context.ts';
import type { ReportAnswer } from '../../edge/foreman/foreman-answers.ts';
import type { Order } from '../../edge/foreman/leases/give-lease.ts';
import { LogPermits } from '../../edge/nodes/log-permits.ts';
import { storeKey } from '../../shared/build/build-record.ts';
import { bytesToHex, sha256Hex } from '../../shared/crypto/digest.ts';
import { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { ReportRequestSchema } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import type { NodeStanding } from '../../shared/node/node-state.ts';
import { type BuiltFile, filesOf, type ReportedEvent, succeeded } from './built-files.ts';
import type { FakeTime } from './fake-time.ts';
import { HeldImageBuilders } from './held-image-builders.ts';
import type { NodeModel } from './node-model.ts';
import { AGENT, FARM } from './parameters.ts';
import { signedWord } from './signed-words.ts';
import type { MemoryBucket } from './surroundings.ts';

interface Running {
  readonly order: Order;
  readonly logPermit: string;
  sequence: number;
  step: BuildStep;
  /** Once it is over; told until it is acknowledged. */
  lastWord: ReportedEvent | null;
}

/** What a node needs of the world. */
export interface NodeSurroundings {
  readonly time: FakeTime;
  readonly foreman: ForemanCalls;
  readonly bucket: MemoryBucket;
  readonly onOrder: (order: Order) => void;
}

const TURNAROUND_MS = 50;
const SOME_KEY = new Uint8Array(32);
const handedBack = (reason: string): ReportedEvent => ({ case: 'handedBack', value: { reason } });

export class FarmNode {
  readonly #id: string;
  readonly #model: NodeModel;
  readonly #world: NodeSurroundings;
  readonly #held: HeldImageBuilders;
  readonly #running = new Map<string, Running>();
  /** Of the isolates that it comes to: in each a permit is worth the same. */
  readonly #permits: LogPermits;
  /** Grows whenever it goes: what was planned before is planned no more. */
  #life = 0;
  #isUp = false;
  #isAsking = false;
  #key = 0;
  #standing: NodeStanding = 'active';
  /** Since then there is a regular report each time. */
  #reportedAt = 0;
  /** What the edge asked for the last time. */
  #askedPauseMs = 0;
  #callOffReport: (() => void) | null = null;
  #reportAt = Number.POSITIVE_INFINITY;

  constructor(id: string, model: NodeModel, warm: readonly string[], world: NodeSurroundings) {
    this.#id = id;
    this.#model = model;
    this.#held = new HeldImageBuilders(warm);
    this.#world = world;
    this.#permits = new LogPermits(SOME_KEY, { now: () => world.time.now });
  }

  async join(): Promise<void> {
    const { operator, tier, key } = this.#model;
    const publicKey = key ? bytesToHex(key.publicKey) : sha256Hex(this.#id);
    const token = { id: `token-${this.#id}`, operator, tier, expiresAt: Number.MAX_SAFE_INTEGER };
    await this.#world.foreman.join({ id: this.#id, publicKey, name: this.#id }, token);
  }

  async rise(): Promise<void> {
    this.#isUp = true;
    this.#reportedAt = this.#world.time.now;
    // What it was at when it died: said first, as the agent does.
    const lost: ReportedEvent = { case: 'failed', value: { kind: 'node_lost', detail: 'the node died in the middle' } };
    for (const running of this.#running.values()) running.lastWord = lost;
    if (this.#running.size > 0) await this.#report();
    await this.#ask();
  }

  /** `isDying`: it says nothing. */
  async fall(isDying: boolean): Promise<void> {
    this.#life += 1;
    this.#isUp = false;
    this.#isAsking = false;
    this.#held.stopFetching();
    this.#planReport(Number.POSITIVE_INFINITY);
    if (isDying) return;
    for (const running of this.#running.values()) running.lastWord ??= handedBack('the node stops');
    if (this.#running.size > 0) await this.#report();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking || !this.#isUp || this.#running.size >= this.#model.slots) return;
    const life = this.#life;
    this.#isAsking = true;
    this.#key += 1;
    const { slots, network } = this.#model;
    const answer = await this.#world.foreman.lease(this.#id, {
      idempotencyKey: `key-${this.#key}`,
      softwareVersion: '1',
      slots,
      held: this.#held.names,
      waitMs: AGENT.leaseWaitMs,
      knownStanding: this.#standing,
      ...(network !== undefined && { network }),
    });
    // The answer comes to a machine that is gone: nobody will build what was given to it.
    if (life !== this.#life) return;
    this.#isAsking = false;
    if ('refused' in answer) throw new Error(`${this.#id}: ${answer.refused}`);
    this.#standing = answer.standing.state;
    this.#model.onStanding?.(this.#standing);
    if (answer.order) {
      this.#world.onOrder(answer.order);
      this.#begin(answer.order);
    }
    this.#world.time.in(TURNAROUND_MS, () => (life === this.#life ? this.#ask() : undefined));
  }

  #begin(order: Order): void {
    const logPermit = this.#permits.give(this.#id, order.leaseId);
    const running: Running = { order, logPermit, sequence: 0, step: BuildStep.INIT, lastWord: null };
    this.#running.set(order.leaseId, running);
    if (this.#reportAt === Number.POSITIVE_INFINITY) this.#planReport(this.#nextRegular());
    const coldMs = this.#held.use(order.pins.imageBuilder.sha256, this.#world.time.now);
    const workMs = this.#model.workMs(order);
    if (coldMs > 0) running.step = BuildStep.DOWNLOAD_IMAGEBUILDER;
    this.#later(coldMs, running, () => {
      running.step = BuildStep.BUILDING_IMAGE;
    });
    for (let at = AGENT.logMs; at < workMs; at += AGENT.logMs)
      this.#later(coldMs + at, running, () => this.#logPiece(running));
    this.#later(coldMs + workMs, running, () => this.#conclude(running));
  }

  async #conclude(running: Running): Promise<void> {
    const outcome = this.#model.outcome(running.order);
    if (outcome.says === 'failure') {
      const { kind } = outcome;
      return this.#tell(running, { case: 'failed', value: { kind, detail: 'as it was foreseen' } });
    }
    running.step = BuildStep.SIGNING_IMAGES;
    const files = filesOf(running.order, outcome.image);
    await this.#world.foreman.grantUploads(this.#id, running.order.leaseId, files);
    for (const [at, file] of files.entries()) this.#later(at * FARM.uploadMs, running, () => this.#put(running, file));
    this.#later(files.length * FARM.uploadMs, running, async () => {
      const sent = files.map((file) => ({ ...file, isStored: true }));
      const { leaseId } = running.order;
      running.lastWord = await this.#signed(running, succeeded(running.order, files));
      const { told, bytes } = this.#reports(({ lastWord }) => lastWord === null || lastWord === running.lastWord);
      const answer = await this.#world.foreman.completeUploads(this.#id, leaseId, sent, bytes);
      if (answer.ok && answer.report) this.#hear(answer.report, told);
      else this.#end(running, running.lastWord);
      await this.#ask();
    });
  }

  /** By the permit that came with the grant, which edge/uploads/uploads.ts takes without a question. */
  #put({ order: { leaseId } }: Running, file: BuiltFile): void {
    this.#world.bucket.place(storeKey.object(leaseId, file.name), file.sizeBytes, file.sha256);
  }

  /** Nothing happens to a build that is over, or on a machine that is gone. */
  #later(ms: number, running: Running, happens: () => unknown): void {
    const life = this.#life;
    this.#world.time.in(ms, () =>
      life === this.#life && running.lastWord === null && this.#running.has(running.order.leaseId)
        ? happens()
        : undefined,
    );
  }

  /** As edge/routes/logs.ts asks the Foreman. */
  #logPiece({ order: { leaseId }, logPermit }: Running): Promise<string | null> {
    return this.#permits.refuse(this.#id, leaseId, logPermit, (node, lease) =>
      this.#world.foreman.refuseLog(node, lease),
    );
  }

  async #tell(running: Running, word: ReportedEvent): Promise<void> {
    this.#end(running, await this.#signed(running, word));
  }

  async #signed({ order }: Running, word: ReportedEvent): Promise<ReportedEvent> {
    const { key } = this.#model;
    return key ? signedWord(key, order, word) : word;
  }

  /** An end is told at once, and nothing else. */
  #end(running: Running, lastWord: ReportedEvent): void {
    running.lastWord = lastWord;
    this.#planReport(this.#world.time.now + AGENT.gatherMs);
  }

  /** The agent looks every few seconds, whether there was something to tell the last time or not. */
  #nextRegular(): number {
    const everyMs = Math.max(AGENT.reportMs, this.#askedPauseMs) + AGENT.gatherMs;
    const times = Math.floor((this.#world.time.now - this.#reportedAt) / everyMs) + 1;
    return this.#reportedAt + times * everyMs;
  }

  /** Unless there is an end to be told, which is told before. */
  #planRegular(): void {
    if ([...this.#running.values()].some(({ lastWord }) => lastWord !== null)) return;
    this.#planReport(Number.POSITIVE_INFINITY);
    this.#planReport(this.#nextRegular());
  }

  #planReport(at: number): void {
    if (at >= this.#reportAt && at !== Number.POSITIVE_INFINITY) return;
    this.#callOffReport?.();
    this.#callOffReport = null;
    this.#reportAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#callOffReport = this.#world.time.at(at, async () => {
      this.#reportAt = Number.POSITIVE_INFINITY;
      this.#callOffReport = null;
      await this.#report();
      await this.#ask();
    });
  }

  async #report(): Promise<void> {
    if (this.#running.size === 0) return;
    const { told, bytes } = this.#reports();
    const answer = await this.#world.foreman.report(this.#id, bytes);
    if ('refused' in answer) throw new Error(`${this.#id}: ${answer.refused}`);
    this.#hear(answer, told);
  }

  /** Of what it is at; `told`: those of which it is the last word. */
  #reports(isSaid: (running: Running) => boolean = () => true): {
    readonly told: ReadonlySet<Running>;
    readonly bytes: Uint8Array;
  } {
    this.#reportedAt = this.#world.time.now;
    const all = [...this.#running.values()].filter(isSaid);
    const reports = all.map((running) => {
      running.sequence += 1;
      const event: ReportedEvent = running.lastWord ?? { case: 'progress', value: { step: running.step } };
      return { leaseId: running.order.leaseId, sequence: BigInt(running.sequence), event };
    });
    const told = new Set(all.filter(({ lastWord }) => lastWord !== null));
    const message = create(ReportRequestSchema, { reports });
    return { told, bytes: new Uint8Array(toBinary(ReportRequestSchema, message)) };
  }

  #hear({ acknowledged, nextReportAfterMs }: ReportAnswer, told: ReadonlySet<Running>): void {
    this.#askedPauseMs = nextReportAfterMs;
    for (const { leaseId, standing } of acknowledged) {
      const running = this.#running.get(leaseId);
      if (!running) continue;
      if (told.has(running)) this.#running.delete(leaseId);
      else if (standing === 'ended') this.#end(running, handedBack('the lease is over'));
    }
    if (this.#isUp && this.#running.size > 0) this.#planRegular();
  }
}
