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
import type { StoredFile } from '../../shared/build-record.ts';
import type { BuildStatus } from '../../shared/build-state.ts';
import { wasAway } from '../../shared/lease.ts';
import type { JoinToken } from '../../shared/node-identity.ts';
import type { NodeAction } from '../../shared/node-state.ts';
import { reportPauseMs } from '../../shared/report-pause.ts';
import { serverKeys } from '../../shared/server-keys.ts';
import { catalogueReader } from '../catalogue/read.ts';
import { configOf } from '../config.ts';
import type { Env } from '../env.ts';
import { logError, stackOf } from '../log.ts';
import type { CountBatch } from '../statistics/counted.ts';
import type { StatisticsAnswers, StatisticsQuestion } from '../statistics/questions.ts';
import { openObjectStore } from '../storage/open-object-store.ts';
import { AlarmClock } from './alarm-clock.ts';
import { PATIENCE_MS } from './bucket-hold.ts';
import { Chores } from './chores.ts';
import { beginAnew, ClockWatch } from './clock-watch.ts';
import { openDatabase } from './database.ts';
import { dueTimes } from './due-times.ts';
import type { ActedOnNode, Completed, ForemanStats, LeaseAnswer, Refused, ReportAnswer } from './foreman-answers.ts';
import { type ForemanState, foremanState } from './foreman-state.ts';
import { type Errand, notBrought, orderToBring } from './leases/bring-orders.ts';
import { hasAllItMay } from './leases/lease-limits.ts';
import { Rooms } from './leases/rooms.ts';
import { takeReports } from './leases/take-reports.ts';
import { completeSent, findUpload, grantUploads, refuseLog } from './leases/upload-calls.ts';
import type { CompletionAnswer, GrantAnswer, GrantsAnswer, SentFile } from './leases/uploads.ts';
import { type LeaseQuestion, waitForOrder } from './leases/wait-for-order.ts';
import { mayBeBrought } from './nodes/callable-nodes.ts';
import type { NodeLists, PublicNode } from './nodes/node-lists.ts';
import { type JoinAnswer, type Newcomer, PRESENT_MS } from './nodes/nodes.ts';
import { setAddress } from './nodes/set-address.ts';
import { actOnNode } from './nodes/set-aside.ts';
import { notLonger } from './not-longer.ts';
import { endWhatIsOver, forgetWhatIsOld } from './passing-time.ts';
import type { NameEntry } from './publishing/names.ts';
import { nearCache } from './publishing/near-cache.ts';
import { Notary } from './publishing/notary.ts';
import { buildStatus, MAX_STATUSES } from './queue/build-status.ts';
import { CANCELLED, cancelBuild } from './queue/cancel-build.ts';
import { cacheFailure } from './queue/end-build.ts';
import type { Submission } from './queue/queue.ts';
import { MAX_SUBMISSIONS, type SubmitAnswer, type SubmitAnswers, takeSubmission } from './queue/take-submission.ts';
import type { NodeRow, UploadRow } from './schema.ts';
import type { MeasuredTarget } from './trust/reproducibility.ts';

const WOKEN_BY_ALARM = 64;
const NOT_TAKEN: SubmitAnswer = { accepted: false, why: 'bucket_of_another' };

export class Foreman extends DurableObject<Env> {
  readonly #alarm: AlarmClock;
  readonly #clock = new ClockWatch();
  #state!: ForemanState;
  #rooms!: Rooms;
  #chores!: Chores;
  readonly #calls: Record<string, number> = {};
  /** Null once the log was read since this object woke: before that nobody is listened to whom the store may know to be disowned. */
  #logRead: Promise<void> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#alarm = new AlarmClock(ctx.storage);
    void ctx.blockConcurrencyWhile(async () => {
      const db = await openDatabase(ctx.storage);
      const config = configOf(env);
      const keys = await serverKeys(config.SERVER_KEY);
      const ways = {
        notary: new Notary(keys),
        sealing: keys.sealing,
        catalogue: catalogueReader(env, { waitUntil: (work) => ctx.waitUntil(work) }),
        store: openObjectStore(env),
        cache: nearCache(env.CACHE),
      };
      this.#state = foremanState(db, config, ways, ctx.id.name);
      this.#rooms = new Rooms(this.#state);
      this.#chores = new Chores(this.#state, this.#alarm, this.#rooms, (work) => ctx.waitUntil(work));
      await this.#alarm.open(db);
      const now = Date.now();
      if (wasAway(this.#alarm.dueAt, now) || this.#state.leases.isAheadOf(now)) beginAnew(this.#state, now);
      const { dueAt } = this.#alarm;
      this.#alarm.fired();
      await this.#setAlarm();
      // A chore that is to go on then stands in no table.
      if (dueAt !== null && dueAt > now) await this.#alarm.ring([dueAt]);
      if (!this.#state.nodes.isEmpty()) ctx.waitUntil(this.#readLog());
      // Not waited for: what is published is answered for whatever the store says.
      ctx.waitUntil(
        this.#state.kept.listedAt === null ? this.#chores.bringBack() : this.#state.hold.settle(Date.now()),
      );
    });
  }

  /**
   * Of one isolate, as they came. `others`: builds that are asked for on the way. A call costs more than its content. One that
   * cannot be taken takes nothing from the others.
   */
  async submit(submissions: readonly Submission[], others: readonly string[] = []): Promise<SubmitAnswers> {
    this.#count('submit');
    const { hold } = this.#state;
    await hold.settle(Date.now());
    const answers = submissions
      .slice(0, MAX_SUBMISSIONS)
      .map((submission) => (hold.refusal === null ? this.#take(submission) : NOT_TAKEN));
    // It may be that nobody comes for it, neither node nor client.
    if (answers.some((answer) => answer.accepted && answer.isNew)) await this.#setAlarm();
    return { answers, others: this.#statusOf(others) };
  }

  #take(submission: Submission): SubmitAnswer {
    try {
      const answer = takeSubmission(this.#state, submission, Date.now());
      const isNew = answer.accepted && answer.isNew;
      const calls = isNew && mayBeBrought(submission) ? this.#rooms.waiting.toBeCalled(submission.imageBuilder) : null;
      if (calls === null) this.#rooms.waiting.wakeSome(submission.imageBuilder);
      return answer.accepted && calls !== null ? { ...answer, calls } : answer;
    } catch (error) {
      logError('a submission was not taken', { error: stackOf(error) });
      return { accepted: false, why: 'fault' };
    }
  }

  /** Null for hashes of which nothing is known here; they may still lie finished in the store. */
  async status(hashes: readonly string[]): Promise<(BuildStatus | null)[]> {
    this.#count('status');
    return this.#statusOf(hashes);
  }

  #statusOf(hashes: readonly string[]): (BuildStatus | null)[] {
    const now = Date.now();
    return hashes.slice(0, MAX_STATUSES).map((hash) => {
      const build = this.#state.queue.byHash(hash);
      if (build) this.#state.queue.polls.note(build, now);
      return build ? buildStatus(this.#state, build, now) : null;
    });
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
    if (this.#logRead) await notLonger(this.#logRead, PATIENCE_MS);
    await this.#state.hold.settle(Date.now());
    return waitForOrder(this.#state, nodeId, ask, {
      rooms: this.#rooms,
      setAlarm: () => this.#setAlarm(),
      now: () => Date.now(),
    });
  }

  /** What the Worker that was told to call this node is to bring. `imageBuilder`: of what came, for those who are woken instead. */
  async orderToBring(nodeId: string, imageBuilder = ''): Promise<Errand | null> {
    this.#count('bring');
    if (this.#logRead) await notLonger(this.#logRead, PATIENCE_MS);
    await this.#state.hold.settle(Date.now());
    const errand = await orderToBring(this.#state, nodeId, crypto.randomUUID(), Date.now);
    const node = this.#state.nodes.byId(nodeId);
    // It was the best of those that wait, and would be called and woken in vain before all others.
    if (!errand || (node && hasAllItMay(this.#state, node))) this.#rooms.waiting.dismiss(nodeId);
    if (!errand) this.#rooms.waiting.wakeSome(imageBuilder);
    else this.#rooms.wakeForPassedOver(errand.order);
    await this.#setAlarm();
    return errand;
  }

  /**
   * It could not be brought: it is for whoever asks, at once. The node itself asks anew, if it is there.
   */
  async notBrought(leaseId: string, fault: string): Promise<void> {
    this.#count('bring');
    const back = notBrought(this.#state, leaseId, fault, Date.now());
    if (back) {
      this.#rooms.dismiss(back.nodeId);
      this.#rooms.waiting.wakeSome(back.imageBuilder);
    }
    await this.#setAlarm();
  }

  /** `reports`: a serialised ReportRequest. Generated messages do not cross an RPC, bytes do. */
  async report(nodeId: string, reports: Uint8Array): Promise<ReportAnswer | Refused> {
    this.#count('report');
    return this.#takeReports(nodeId, reports);
  }

  async #takeReports(nodeId: string, reports: Uint8Array): Promise<ReportAnswer | Refused> {
    if (this.#logRead) await notLonger(this.#logRead, PATIENCE_MS);
    const node = this.#state.nodes.present(nodeId, null, Date.now());
    if ('refused' in node) return node;
    const taken = await takeReports(
      this.#state,
      node,
      reports,
      // Its waiting question is older than that: a node that stops would be given this very build again.
      () => this.#rooms.dismiss(nodeId),
      () => Date.now(),
    );
    this.#rooms.wake(nodeId);
    for (const failure of taken.failures) this.ctx.waitUntil(cacheFailure(this.#state, failure));
    this.ctx.waitUntil(this.#chores.publishAll());
    if (this.#state.checks.settling()) this.ctx.waitUntil(this.#chores.mindChecks());
    // A build may have gone back to the queue.
    if (!taken.hasStateChanged) this.#rooms.waiting.wakeSome();
    else {
      this.#rooms.wakeForChanged();
      this.ctx.waitUntil(this.#chores.settleOrphaned());
      this.ctx.waitUntil(this.#chores.withdraw());
    }
    await this.#setAlarm();
    return { acknowledged: taken.acknowledged, nextReportAfterMs: this.#reportPauseMs() };
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

  /**
   * Of files that went up by one PUT each. The lease is looked at here, whatever the bytes were taken for. `reports`: a serialised
   * ReportRequest, heard where no file is lost.
   */
  async completeUploads(
    nodeId: string,
    leaseId: string,
    files: readonly SentFile[],
    reports?: Uint8Array,
  ): Promise<Completed | Extract<CompletionAnswer, { ok: false }>> {
    this.#count('upload');
    const completed = completeSent(this.#state, nodeId, leaseId, files, reports !== undefined, Date.now());
    if (!completed.ok || completed.lost.length > 0 || !reports) return completed;
    const report = await this.#takeReports(nodeId, reports);
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
    await this.#setAlarm();
    return isCancelled;
  }

  /** On an operator's word. */
  async actOnNode(nodeId: string, action: NodeAction, reason: string): Promise<ActedOnNode> {
    this.#count('act');
    const acted = actOnNode(this.#state, nodeId, action, reason, Date.now());
    this.#rooms.wakeForChanged();
    this.ctx.waitUntil(this.#chores.settleOrphaned());
    // Whose word counts no more is told with the log's head.
    this.ctx.waitUntil(this.#chores.writeLog());
    this.ctx.waitUntil(this.#chores.withdraw());
    await this.#setAlarm();
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
    return {
      calls: { ...this.#calls },
      refusal: this.#state.hold.refusal,
      waiting: this.#state.queue.waiting(),
      live: this.#state.queue.live(),
      prebuildsWaiting: this.#state.queue.prebuildsWaiting(),
      longestWaitMs: this.#state.queue.line.longestWaitMs(Date.now()),
      phases: this.#state.phases.samples(),
      activeLeases: this.#state.leases.active(),
      nodesPresent: this.#state.nodes.seenLately(Date.now(), PRESENT_MS),
      images: {
        kept: this.#state.images.amount('kept'),
        leaving: this.#state.images.amount('leaving'),
        removed: this.#state.images.amount('removed'),
        budgetBytes: this.#state.config.IMAGES_BUDGET,
      },
    };
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

  async #readLog(): Promise<void> {
    this.#logRead = this.#chores.readLog();
    await this.#logRead;
    this.#logRead = null;
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    const { stateChanges } = this.#state.nodes;
    if (this.#clock.wasSet(now, this.#alarm.dueAt)) beginAnew(this.#state, now);
    this.#alarm.fired();
    for (const failure of endWhatIsOver(this.#state, (nodeId) => this.#rooms.wake(nodeId), now))
      this.ctx.waitUntil(cacheFailure(this.#state, failure));
    // Not waited for: a store that hangs must not keep leases from ending.
    this.ctx.waitUntil(this.#chores.settleOrphaned());
    this.ctx.waitUntil(this.#chores.publishAll());
    this.ctx.waitUntil(this.#chores.writeLog());
    this.ctx.waitUntil(this.#chores.withdraw());
    this.ctx.waitUntil(this.#chores.mindChecks());
    this.ctx.waitUntil(this.#chores.prebuild());
    this.ctx.waitUntil(this.#chores.keepRequests());
    this.ctx.waitUntil(this.#chores.bringBack());
    forgetWhatIsOld(this.#state, now);
    this.#rooms.waiting.wakeEldest(WOKEN_BY_ALARM);
    if (this.#state.nodes.stateChanges !== stateChanges) this.#rooms.setAside.wakeAll();
    await this.#setAlarm();
    this.ctx.waitUntil(this.#chores.removeOldLogs());
    // One after the other, since what goes by itself is nothing that must be made to go.
    this.ctx.waitUntil(this.#chores.removeExpired().then(() => this.#chores.collectGarbage()));
  }

  async #setAlarm(): Promise<void> {
    const now = Date.now();
    if (this.#clock.wasSet(now, null)) beginAnew(this.#state, now);
    await this.#alarm.ring(dueTimes(this.#state, now));
  }

  #reportPauseMs(): number {
    const { config, farmSize } = this.#state;
    return reportPauseMs(farmSize.reporting(Date.now()), config.REPORTS_PER_MINUTE, config.LEASE_SECONDS * 1000);
  }

  #count(name: string): void {
    this.#calls[name] = (this.#calls[name] ?? 0) + 1;
  }
}
