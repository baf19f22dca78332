/**
 * The Foreman: runs each distinct request once. A Durable Object, because single-flight, the queue and leases need one
 * place where they are decided, and because its SQLite survives whatever happens to the process. It sees misses and what
 * remains of polls; hits never come here.
 *
 *   submit ─▶ queued ─▶ leased ─▶ running ─▶ publishing ─▶ done
 *               ▲          │          │                └─ repeated by the alarm until it succeeds
 *               └──────────┴──────────┴─ lease lost, handed back, or a fault of ours; at most MAX_ATTEMPTS
 *
 * Each arrow is one transaction. One alarm drives everything that waits for time: leases, postponed builds, publishing.
 */
import { DurableObject } from 'cloudflare:workers';
import type { StoredFile } from '../../shared/build/build-record.ts';
import type { BuildStatus } from '../../shared/build/build-state.ts';
import type { JoinToken } from '../../shared/node/node-identity.ts';
import type { NodeAction } from '../../shared/node/node-state.ts';
import type { Env } from '../env.ts';
import type { CountBatch } from '../statistics/counted.ts';
import type { StatisticsAnswers, StatisticsQuestion } from '../statistics/questions.ts';
import type { ActedOnNode, Completed, ForemanStats, LeaseAnswer, Refused, ReportAnswer } from './foreman-answers.ts';
import type { ForemanState } from './foreman-state.ts';
import { foremanStats } from './foreman-stats.ts';
import { type Errand, notBrought, orderToBring } from './leases/bring-orders.ts';
import { Rooms } from './leases/rooms.ts';
import { takeReports } from './leases/take-reports.ts';
import { completeSent, findUpload, grantUploads, refuseLog } from './leases/upload-calls.ts';
import type { CompletionAnswer, GrantAnswer, GrantsAnswer, SentFile } from './leases/uploads.ts';
import { type LeaseQuestion, waitForOrder } from './leases/wait-for-order.ts';
import type { NodeLists, PublicNode } from './nodes/node-lists.ts';
import type { JoinAnswer, Newcomer } from './nodes/nodes.ts';
import { setAddress } from './nodes/set-address.ts';
import { actOnNode } from './nodes/set-aside.ts';
import { openState } from './open-state.ts';
import type { NameEntry } from './publishing/names.ts';
import { polledStatuses } from './queue/build-status.ts';
import { CANCELLED, cancelBuild } from './queue/cancel-build.ts';
import type { Submission } from './queue/queue.ts';
import type { SubmitAnswers } from './queue/take-submission.ts';
import { takeSubmissions } from './queue/take-submissions.ts';
import { Rounds, type Surroundings } from './rounds.ts';
import type { NodeRow, UploadRow } from './schema.ts';
import type { MeasuredTarget } from './trust/reproducibility.ts';

export class Foreman extends DurableObject<Env> {
  #state!: ForemanState;
  #rooms!: Rooms;
  #rounds!: Rounds;
  readonly #calls: Record<string, number> = {};

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void ctx.blockConcurrencyWhile(async () => {
      this.#state = await openState(ctx, env);
      this.#rooms = new Rooms(this.#state);
      this.#rounds = new Rounds(this.#state, this.#rooms, ctx);
      await this.#rounds.begin();
    });
  }

  override async alarm(): Promise<void> {
    await this.#rounds.ring();
  }

  /** Of one isolate, as they came. `others`: builds that are asked for on the way. */
  async submit(submissions: readonly Submission[], others: readonly string[] = []): Promise<SubmitAnswers> {
    this.#count('submit');
    await this.#state.hold.settle(Date.now());
    const answers = takeSubmissions(this.#state, this.#rooms.waiting, submissions, Date.now);
    // It may be that nobody comes for it, neither node nor client.
    if (answers.some((answer) => answer.accepted && answer.isNew)) await this.#rounds.setAlarm();
    return { answers, others: polledStatuses(this.#state, others, Date.now()) };
  }

  /** Null for hashes of which nothing is known here; they may still lie finished in the store. */
  async status(hashes: readonly string[]): Promise<(BuildStatus | null)[]> {
    this.#count('status');
    return polledStatuses(this.#state, hashes, Date.now());
  }

  /** Whose a short hash of the old API is, once this request asked for it; null where there is no room for one more. */
  async claimName(name: string, entry: NameEntry): Promise<NameEntry | null> {
    this.#count('claimName');
    return this.#state.names.claim(name, entry, Date.now());
  }

  async findName(name: string): Promise<NameEntry | null> {
    this.#count('findName');
    return this.#state.names.find(name, Date.now());
  }

  async join(newcomer: Newcomer, token: JoinToken): Promise<JoinAnswer> {
    this.#count('join');
    return this.#state.nodes.join(newcomer, token, Date.now());
  }

  /** What the register says of the node now: operator and tier may have changed since its last certificate. */
  async renew(nodeId: string): Promise<Pick<NodeRow, 'operator' | 'tier'> | Refused> {
    this.#count('renew');
    const node = this.#state.nodes.present(nodeId, null, Date.now());
    return 'refused' in node ? node : { operator: node.operator, tier: node.tier };
  }

  /** Waits up to `waitMs` for an order. A node that was told another standing than it has is answered at once. */
  async lease(nodeId: string, ask: LeaseQuestion): Promise<LeaseAnswer | Refused> {
    this.#count('lease');
    return waitForOrder(this.#state, nodeId, ask, this.#surroundings);
  }

  /** What the Worker that was told to call this node is to bring. `imageBuilder`: of what came, for those who are woken instead. */
  async orderToBring(nodeId: string, imageBuilder = ''): Promise<Errand | null> {
    this.#count('bring');
    return orderToBring(this.#state, nodeId, imageBuilder, this.#surroundings);
  }

  async notBrought(leaseId: string, fault: string): Promise<void> {
    this.#count('bring');
    await notBrought(this.#state, leaseId, fault, this.#surroundings);
  }

  /** `reports`: a serialised ReportRequest. Generated messages do not cross an RPC, bytes do. */
  async report(nodeId: string, reports: Uint8Array): Promise<ReportAnswer | Refused> {
    this.#count('report');
    return takeReports(this.#state, nodeId, reports, this.#surroundings);
  }

  /** Grants objects of a lease, all or none; refuses for leases that are over or another node's. */
  async grantUploads(nodeId: string, leaseId: string, files: readonly StoredFile[]): Promise<GrantsAnswer> {
    this.#count('upload');
    return grantUploads(this.#state, nodeId, leaseId, files, Date.now());
  }

  /** An existing grant, for the bytes that come after it. */
  async upload(nodeId: string, leaseId: string, name: string): Promise<GrantAnswer> {
    this.#count('upload');
    return findUpload(this.#state, nodeId, leaseId, name, Date.now());
  }

  async startMultipart(leaseId: string, name: string, multipartId: string): Promise<string | null> {
    return this.#state.uploads.startMultipart(leaseId, name, multipartId);
  }

  async addPart(leaseId: string, name: string, multipartId: string, part: number, etag: string): Promise<boolean> {
    return this.#state.uploads.addPart(leaseId, name, multipartId, part, etag);
  }

  async closeUpload(leaseId: string, name: string, multipartId: string): Promise<UploadRow['parts'] | null> {
    return this.#state.uploads.close(leaseId, name, multipartId);
  }

  async restartUpload(leaseId: string, name: string, multipartId: string): Promise<void> {
    this.#state.uploads.restart(leaseId, name, multipartId);
  }

  /** `multipartId`: null for a file of one PUT. */
  async completeUpload(leaseId: string, name: string, multipartId: string | null = null): Promise<boolean> {
    return this.#state.uploads.complete(leaseId, name, multipartId);
  }

  /** Of files that went up by one PUT each. `reports`: a serialised ReportRequest, heard where no file is lost. */
  async completeUploads(
    nodeId: string,
    leaseId: string,
    files: readonly SentFile[],
    reports?: Uint8Array,
  ): Promise<Completed | Extract<CompletionAnswer, { ok: false }>> {
    this.#count('upload');
    const completed = completeSent(this.#state, nodeId, leaseId, files, reports !== undefined, Date.now());
    if (!completed.ok || completed.lost.length > 0 || !reports) return completed;
    const report = await takeReports(this.#state, nodeId, reports, this.#surroundings);
    return 'refused' in report ? completed : { ...completed, report };
  }

  /** Why this node may not write to the log of this lease; null where it may. What a private build prints is kept nowhere. */
  async refuseLog(nodeId: string, leaseId: string): Promise<string | null> {
    this.#count('log');
    return refuseLog(this.#state, nodeId, leaseId, Date.now());
  }

  /** On an operator's word; false where there is no such build, or it is over. */
  async cancel(requestHash: string): Promise<boolean> {
    this.#count('cancel');
    const build = this.#state.queue.byHash(requestHash);
    const isCancelled = build !== undefined && cancelBuild(this.#state, build, CANCELLED, Date.now());
    await this.#rounds.setAlarm();
    return isCancelled;
  }

  /** On an operator's word. */
  async actOnNode(nodeId: string, action: NodeAction, reason: string): Promise<ActedOnNode> {
    this.#count('act');
    const acted = actOnNode(this.#state, nodeId, action, reason, Date.now());
    this.#rooms.wakeForChanged();
    // Whose word counts no more is told with the log's head.
    this.#rounds.chores.start('settleOrphaned', 'writeLog', 'withdraw');
    await this.#rounds.setAlarm();
    return acted.ok ? { ok: true, node: this.#state.nodeLists.one(nodeId) } : acted;
  }

  /** On an operator's word: the node is called there; with an empty address it is called no more. */
  async setAddress(nodeId: string, address: string): Promise<ActedOnNode> {
    this.#count('act');
    const acted = setAddress(this.#state, nodeId, address);
    // Each takes its seat anew, as what it is now.
    this.#rooms.waiting.wakeAll();
    return acted.ok ? { ok: true, node: this.#state.nodeLists.one(nodeId) } : acted;
  }

  /** For operators, page by page. */
  async listNodes(behind: string): Promise<ReturnType<NodeLists['page']>> {
    this.#count('nodes');
    return this.#state.nodeLists.page(behind);
  }

  /** For everybody. */
  async publicNodes(): Promise<PublicNode[]> {
    this.#count('nodes');
    return this.#state.nodeLists.public(Date.now());
  }

  /** For everybody. */
  async reproducibility(): Promise<MeasuredTarget[]> {
    this.#count('reproducibility');
    return this.#state.reproducibility.all(this.#state.config.TRUST_POLICY);
  }

  async stats(): Promise<ForemanStats> {
    return foremanStats(this.#state, this.#calls, Date.now());
  }

  /** What an isolate counted since its last batch. */
  async takeCounts(batch: CountBatch): Promise<void> {
    this.#count('counts');
    this.#state.statistics.take(batch, Date.now());
    // An isolate may be of a version before this.
    this.#state.images.served(batch.served ?? [], Date.now());
  }

  async statistics<About extends keyof StatisticsAnswers>(
    question: StatisticsQuestion<About>,
  ): Promise<StatisticsAnswers[About]> {
    this.#count('statistics');
    return this.#state.statistics.answer(question, Date.now());
  }

  get #surroundings(): Surroundings {
    return { rooms: this.#rooms, rounds: this.#rounds, now: () => Date.now() };
  }

  #count(name: string): void {
    this.#calls[name] = (this.#calls[name] ?? 0) + 1;
  }
}
