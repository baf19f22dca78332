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
import { fromBinary } from '@bufbuild/protobuf';
import type { StoredFile } from '../../shared/build-record.ts';
import type { BuildStatus } from '../../shared/build-state.ts';
import { ReportRequestSchema } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { wasAway } from '../../shared/lease.ts';
import type { JoinToken } from '../../shared/node-identity.ts';
import type { NodeAction, NodeStanding } from '../../shared/node-state.ts';
import { isPrivate } from '../../shared/normalize-request.ts';
import { reportPauseMs } from '../../shared/report-pause.ts';
import { catalogueReader } from '../catalogue/read.ts';
import { configOf } from '../config.ts';
import type { Env } from '../env.ts';
import type { CountBatch } from '../statistics/counted.ts';
import type { StatisticsAnswers, StatisticsQuestion } from '../statistics/questions.ts';
import { openObjectStore } from '../storage/open-object-store.ts';
import { AlarmClock } from './alarm-clock.ts';
import { type Errand, endExpired, notBrought, orderToBring } from './bring-orders.ts';
import { buildStatus, MAX_STATUSES } from './build-status.ts';
import { mayBeBrought } from './callable-nodes.ts';
import { ABANDONED, CANCELLED, cancelBuild } from './cancel-build.ts';
import { openDatabase } from './database.ts';
import { decideShelved } from './decide-shelved.ts';
import { cacheFailure } from './end-build.ts';
import { type ForemanState, foremanState } from './foreman-state.ts';
import { giveLease, type Order, orderOf } from './give-lease.ts';
import { hasAllItMay } from './lease-limits.ts';
import { mindChecks } from './mind-checks.ts';
import type { NameEntry } from './names.ts';
import type { ListedNode, NodeLists, PublicNode } from './node-lists.ts';
import { type JoinAnswer, type Newcomer, PRESENT_MS, type ToldOfNode, waitingAs } from './nodes.ts';
import { Notary } from './notary.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { publishDecided } from './publish-decided.ts';
import type { Submission } from './queue.ts';
import { nextRecall, takeBack } from './recall.ts';
import { removeOldLogs } from './remove-old-logs.ts';
import { removePrivate } from './remove-private.ts';
import type { MeasuredTarget } from './reproducibility.ts';
import type { LeaseRow, NodeRow, UploadRow } from './schema.ts';
import { setAddress } from './set-address.ts';
import { type ActionAnswer, actOnNode } from './set-aside.ts';
import { isShelfDue } from './shelf.ts';
import { type Acknowledgement, type Aftermath, takeReport } from './take-report.ts';
import { type SubmitAnswer, takeSubmission } from './take-submission.ts';
import type { CompletionAnswer, GrantAnswer, GrantsAnswer, SentFile } from './uploads.ts';
import { WaitingRoom } from './waiting-room.ts';
import { isWithdrawalDue, withdraw } from './withdraw.ts';
import { writeLog } from './write-log.ts';

const RETRY_MS = 3_000;
const HISTORY_MS = 90 * 24 * 3_600_000;
const FORGET_AT_ONCE = 200;
const FORGET_NAMES_AT_ONCE = 1_000;
const CANCEL_AT_ONCE = 200;
const CHECKS_GRAIN_MS = 60_000;

/** The node may not speak; the text is for its operator. */
export interface Refused {
  readonly refused: string;
}

export interface LeaseAnswer {
  readonly order: Order | null;
  /** Does the node get builds, and if not, why? */
  readonly standing: { readonly state: NodeStanding; readonly reason: string };
}

export interface ReportAnswer {
  readonly acknowledged: Acknowledgement[];
  /** So long the node is asked to wait with what its builds are at. */
  readonly nextReportAfterMs: number;
}

export type Completed = Extract<CompletionAnswer, { readonly ok: true }> & {
  /** Of what was reported in the same call; absent where it was not heard. */
  readonly report?: ReportAnswer;
};

export type ActedOnNode =
  | { readonly ok: true; readonly node: ListedNode }
  | Extract<ActionAnswer, { readonly ok: false }>;

export interface ForemanStats {
  /** Calls since this object woke, by name; how tests and operators see that hits do not come here. */
  readonly calls: Readonly<Record<string, number>>;
  readonly waiting: number;
  readonly live: number;
  readonly activeLeases: number;
  readonly nodesPresent: number;
}

export class Foreman extends DurableObject<Env> {
  #state!: ForemanState;
  readonly #alarm: AlarmClock;
  readonly #waitingNodes = new WaitingRoom();
  /** Nodes that get nothing now, or have all they may. In a room of their own: what comes must not wake them instead of others. */
  readonly #setAside = new WaitingRoom();
  readonly #calls: Record<string, number> = {};

  /** Publishes whatever is decided. What fails stays `publishing` for the alarm. */
  readonly #publishAll = oneAtATime(async () => {
    await publishDecided(this.#state, {
      // Not waited for: what is done need not wait until it is told.
      onPage: () => this.ctx.waitUntil(this.#writeLog()),
      onLost: () => this.#waitingNodes.wakeSome(),
    });
    await this.#setAlarm();
  });

  /** Brings the log to its readers. What fails is left for the alarm. */
  readonly #writeLog = oneAtATime(async () => {
    try {
      while (await writeLog(this.#state, Date.now()));
    } catch (error) {
      console.error(`writing the log failed and is tried again: ${error}`);
      await this.#alarm.ring([Date.now() + RETRY_MS]);
    }
  });

  /** Takes back what stood on nodes that are not believed any more. What fails is left for the alarm. */
  readonly #withdraw = oneAtATime(async () => {
    try {
      await withdraw(this.#state, Date.now());
    } catch (error) {
      console.error(`withdrawing results failed and is tried again: ${error}`);
    }
    try {
      while (await takeBack(this.#state, Date.now()));
    } catch (error) {
      console.error(`taking results back failed and is tried again: ${error}`);
    }
    await this.#setAlarm();
  });

  /** Settles what checks have said. What fails is left for the alarm. */
  readonly #mindChecks = oneAtATime(async () => {
    const { stateChanges } = this.#state.nodes;
    try {
      await mindChecks(this.#state, Date.now());
    } catch (error) {
      console.error(`minding the checks failed and is tried again: ${error}`);
    }
    // Whoever was found to lie.
    if (this.#state.nodes.stateChanges !== stateChanges) {
      this.#wakeEverybody();
      await this.#withdraw();
    }
    await this.#setAlarm();
  });

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#alarm = new AlarmClock(ctx.storage);
    void ctx.blockConcurrencyWhile(async () => {
      const db = await openDatabase(ctx.storage);
      const config = configOf(env);
      this.#state = foremanState(db, config, {
        notary: await Notary.open(config.SERVER_KEY),
        catalogue: catalogueReader(env, { waitUntil: (work) => ctx.waitUntil(work) }),
        store: openObjectStore(env),
        cache: env.CACHE,
      });
      await this.#alarm.open(db);
      if (wasAway(this.#alarm.dueAt, Date.now())) {
        this.#state.leases.renewAll(Date.now());
        this.#state.queue.polls.noteAll(Date.now());
      }
      this.#alarm.fired();
      await this.#setAlarm();
    });
  }

  /** `others`: builds that are asked for on the way, since a call costs more than its content. */
  async submit(submission: Submission, others: readonly string[] = []): Promise<SubmitAnswer> {
    this.#count('submit');
    const answer = takeSubmission(this.#state, submission, Date.now());
    const isNew = answer.accepted && answer.isNew;
    const calls = isNew && mayBeBrought(submission) ? this.#waitingNodes.toBeCalled(submission.imageBuilder) : null;
    if (calls === null) this.#waitingNodes.wakeSome(submission.imageBuilder);
    // It may be that nobody comes for it, neither node nor client.
    if (isNew) await this.#setAlarm();
    const told = others.length === 0 ? answer : { ...answer, others: this.#statusOf(others) };
    return told.accepted && calls !== null ? { ...told, calls } : told;
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
  async lease(
    nodeId: string,
    ask: ToldOfNode & {
      readonly idempotencyKey: string;
      readonly waitMs: number;
      readonly knownStanding?: NodeStanding | null;
    },
  ): Promise<LeaseAnswer | Refused> {
    this.#count('lease');
    const until = Date.now() + ask.waitMs;
    const { softwareVersion, slots, held, network, feeds } = ask;
    const more = { ...(network !== undefined && { network }), ...(feeds !== undefined && { feeds }) };
    const told = { softwareVersion, slots, held, ...more };
    for (;;) {
      // Asked anew after each wait: the node may be revoked by now, or a second try of this call may have been faster.
      const node = this.#state.nodes.present(nodeId, told, Date.now());
      if ('refused' in node) return node;
      const standing = { state: node.state, reason: node.stateReason };
      const known = this.#state.leases.byKey(nodeId, ask.idempotencyKey);
      if (known) return { order: known.state === 'active' ? this.#orderAgain(known) : null, standing };
      const isOver = Date.now() >= until || (ask.knownStanding ?? node.state) !== node.state;
      if (node.state !== 'active' || hasAllItMay(this.#state, node)) {
        if (isOver) return { order: null, standing };
        if ((await this.#setAside.wait(until - Date.now(), waitingAs(node, Date.now()))) === 'dismissed')
          return { order: null, standing };
        continue;
      }
      const { wakes } = this.#waitingNodes;
      const order = await giveLease(
        this.#state,
        node,
        { idempotencyKey: ask.idempotencyKey, leaseId: crypto.randomUUID() },
        Date.now,
      );
      this.#wakeForPassedOver(order);
      await this.#setAlarm();
      if (order || isOver || Date.now() >= until) return { order, standing };
      // What came while upstream was asked woke only those who waited then; and it may have been given another one.
      if (this.#waitingNodes.wakes !== wakes || hasAllItMay(this.#state, node)) continue;
      const waited = await this.#waitingNodes.wait(until - Date.now(), waitingAs(node, Date.now()));
      if (waited === 'dismissed') return { order: null, standing };
    }
  }

  /** What the Worker that was told to call this node is to bring. `imageBuilder`: of what came, for those who are woken instead. */
  async orderToBring(nodeId: string, imageBuilder = ''): Promise<Errand | null> {
    this.#count('bring');
    const errand = await orderToBring(this.#state, nodeId, crypto.randomUUID(), Date.now);
    const node = this.#state.nodes.byId(nodeId);
    // It was the best of those that wait, and would be called and woken in vain before all others.
    if (!errand || (node && hasAllItMay(this.#state, node))) this.#waitingNodes.dismiss(nodeId);
    if (!errand) this.#waitingNodes.wakeSome(imageBuilder);
    else this.#wakeForPassedOver(errand.order);
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
      this.#dismiss(back.nodeId);
      this.#waitingNodes.wakeSome(back.imageBuilder);
    }
    await this.#setAlarm();
  }

  /** `reports`: a serialised ReportRequest. Generated messages do not cross an RPC, bytes do. */
  async report(nodeId: string, reports: Uint8Array): Promise<ReportAnswer | Refused> {
    this.#count('report');
    return this.#takeReports(nodeId, reports);
  }

  async #takeReports(nodeId: string, reports: Uint8Array): Promise<ReportAnswer | Refused> {
    const node = this.#state.nodes.present(nodeId, null, Date.now());
    if ('refused' in node) return node;
    const { stateChanges } = this.#state.nodes;
    const aftermath: Aftermath = { failures: [] };
    const acknowledged: Acknowledgement[] = [];
    for (const report of fromBinary(ReportRequestSchema, reports).reports) {
      acknowledged.push(await takeReport(this.#state, node, report, aftermath, Date.now()));
      // Its waiting question is older than that: a node that stops would be given this very build again.
      if (report.event.case === 'handedBack') this.#dismiss(nodeId);
    }
    // A lease of its may be over.
    this.#setAside.wake(nodeId);
    for (const failure of aftermath.failures) this.ctx.waitUntil(cacheFailure(this.#state, failure));
    this.ctx.waitUntil(this.#publishAll());
    if (this.#state.checks.settling()) this.ctx.waitUntil(this.#mindChecks());
    // A build may have gone back to the queue.
    if (this.#state.nodes.stateChanges === stateChanges) this.#waitingNodes.wakeSome();
    else {
      this.#wakeEverybody();
      this.ctx.waitUntil(this.#withdraw());
    }
    await this.#setAlarm();
    return { acknowledged, nextReportAfterMs: this.#reportPauseMs() };
  }

  /** Grants objects of a lease, all or none; refuses for leases that are over or another node's. */
  async grantUploads(nodeId: string, leaseId: string, files: readonly StoredFile[]): Promise<GrantsAnswer> {
    this.#count('upload');
    const refused = this.#refuseUpload(nodeId, leaseId);
    if (refused) return { ok: false, reason: refused };
    return this.#state.uploads.grant(leaseId, files, this.#state.config.MAX_IMAGE_MB * 1024 * 1024);
  }

  /** An existing grant, for the bytes that come after it. */
  async upload(nodeId: string, leaseId: string, name: string): Promise<GrantAnswer> {
    this.#count('upload');
    const refused = this.#refuseUpload(nodeId, leaseId);
    const upload = refused ? undefined : this.#state.uploads.find(leaseId, name);
    return upload ? { ok: true, upload } : { ok: false, reason: refused ?? `${name} was not granted` };
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
    const refused = this.#refuseUpload(nodeId, leaseId);
    // What it reported in the first try may have ended the lease, and the answer have been lost.
    const isAgain = reports !== undefined && this.#areComplete(nodeId, leaseId, files);
    if (refused && !isAgain) return { ok: false, reason: refused };
    const completed = this.#state.uploads.completeSent(leaseId, files);
    if (!completed.ok || completed.lost.length > 0 || !reports) return completed;
    const report = await this.#takeReports(nodeId, reports);
    return 'refused' in report ? completed : { ...completed, report };
  }

  /** Why this node may not write to the log of this lease; null where it may. What a private build prints is kept nowhere. */
  async refuseLog(nodeId: string, leaseId: string): Promise<string | null> {
    this.#count('log');
    const refused = this.#refuseUpload(nodeId, leaseId);
    if (refused) return refused;
    const lease = this.#state.leases.byId(leaseId);
    // Nobody is shown it; but a node that may not write one would know why.
    if (lease && lease.checkId !== null) return null;
    const build = this.#state.queue.byHash(lease?.requestHash ?? '');
    if (build?.leaseId !== leaseId) return 'the build is over, or another node is at it';
    return isPrivate(build.request) ? 'a private build has no log' : null;
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
    this.#wakeEverybody();
    // Whose word counts no more is told with the log's head.
    this.ctx.waitUntil(this.#writeLog());
    this.ctx.waitUntil(this.#withdraw());
    await this.#setAlarm();
    return acted.ok ? { ok: true, node: this.#state.nodeLists.one(nodeId) } : acted;
  }

  /** On an operator's word: the node is called there; with an empty address it is called no more. */
  async setAddress(nodeId: string, address: string): Promise<ActedOnNode> {
    this.#count('act');
    const acted = setAddress(this.#state, nodeId, address);
    // Each takes its seat anew, as what it is now.
    this.#waitingNodes.wakeAll();
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
      waiting: this.#state.queue.waiting(),
      live: this.#state.queue.live(),
      activeLeases: this.#state.leases.active(),
      nodesPresent: this.#state.nodes.seenLately(Date.now(), PRESENT_MS),
    };
  }

  /** What an isolate counted since its last batch. */
  async takeCounts(batch: CountBatch): Promise<void> {
    this.#count('counts');
    this.#state.statistics.take(batch, Date.now());
  }

  async statistics<About extends keyof StatisticsAnswers>(
    question: StatisticsQuestion<About>,
  ): Promise<StatisticsAnswers[About]> {
    this.#count('statistics');
    return this.#state.statistics.answer(question, Date.now());
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    const { stateChanges } = this.#state.nodes;
    this.#alarm.fired();
    for (const lease of this.#state.leases.expired(now)) {
      endExpired(this.#state, lease, now);
      this.#setAside.wake(lease.nodeId);
    }
    for (const build of this.#state.queue.polls.noneSince(now - this.#abandonedMs, CANCEL_AT_ONCE))
      cancelBuild(this.#state, build, ABANDONED, now);
    for (const failure of decideShelved(this.#state, now)) this.ctx.waitUntil(cacheFailure(this.#state, failure));
    // Not waited for: a store that hangs must not keep leases from ending.
    this.ctx.waitUntil(this.#publishAll());
    this.ctx.waitUntil(this.#writeLog());
    this.ctx.waitUntil(this.#withdraw());
    this.ctx.waitUntil(this.#mindChecks());
    await this.#removeExpired(now);
    this.#state.queue.forgetEnded(now - HISTORY_MS, FORGET_AT_ONCE);
    this.#state.names.forget(now - HISTORY_MS, FORGET_NAMES_AT_ONCE);
    this.#state.statistics.forget(now);
    this.#state.queue.turns.forgetPassed(FORGET_AT_ONCE);
    this.#waitingNodes.wakeAll();
    if (this.#state.nodes.stateChanges !== stateChanges) this.#setAside.wakeAll();
    await this.#setAlarm();
    this.ctx.waitUntil(this.#removeOldLogs(now));
  }

  /** What a node would have been given instead of a check waits still. */
  #wakeForPassedOver(order: Order | null): void {
    if (order && this.#state.leases.byId(order.leaseId)?.checkId != null) this.#waitingNodes.wakeSome();
  }

  #dismiss(nodeId: string): void {
    this.#waitingNodes.dismiss(nodeId);
    this.#setAside.dismiss(nodeId);
  }

  /** Who was set aside, or is no more, is told at once; and its builds are for others. */
  #wakeEverybody(): void {
    this.#waitingNodes.wakeAll();
    this.#setAside.wakeAll();
  }

  async #removeExpired(now: number): Promise<void> {
    for (const build of this.#state.queue.expired(now)) {
      try {
        const leases = this.#state.leases.ofBuild(build.requestHash);
        const withUploads = leases.map(({ id }) => ({ id, uploads: this.#state.uploads.ofLease(id) }));
        await removePrivate(build, withUploads, this.#state.store);
        this.#state.queue.removed(build.requestHash);
      } catch (error) {
        console.error(`removing the private build ${build.requestHash} failed and is tried again: ${error}`);
      }
    }
  }

  /** Without an alarm of its own: where nothing is built, no logs are added. */
  async #removeOldLogs(now: number): Promise<void> {
    try {
      if (await removeOldLogs(this.#state, now)) await this.#alarm.ring([Date.now() + RETRY_MS]);
    } catch (error) {
      console.error(`removing old logs failed and is tried again: ${error}`);
    }
  }

  async #setAlarm(): Promise<void> {
    const now = Date.now();
    const expiry = this.#state.queue.nextExpiry();
    const unpolled = this.#state.queue.polls.earliest();
    const checksDueAt = this.#state.checks.nextDueAt();
    const recall = nextRecall(this.#state);
    await this.#alarm.ring([
      this.#state.leases.nextExpiry(),
      this.#state.queue.nextPostponed(now),
      unpolled === null ? null : Math.max(unpolled + this.#abandonedMs + 1, now + RETRY_MS),
      // One that is overdue was tried and failed.
      expiry === null ? null : Math.max(expiry, now + RETRY_MS),
      this.#state.queue.isPublishing() || this.#state.log.isBehind() ? now + RETRY_MS : null,
      isWithdrawalDue(this.#state) || isShelfDue(this.#state, now) ? now + RETRY_MS : null,
      recall === null ? null : Math.max(recall, now + RETRY_MS),
      this.#state.checks.settling() ? now + RETRY_MS : null,
      checksDueAt === null ? null : Math.max(checksDueAt, now + CHECKS_GRAIN_MS),
    ]);
  }

  #reportPauseMs(): number {
    const { config, farmSize } = this.#state;
    return reportPauseMs(farmSize.reporting(Date.now()), config.REPORTS_PER_MINUTE, config.LEASE_SECONDS * 1000);
  }

  #orderAgain(lease: LeaseRow): Order | null {
    const build = this.#state.queue.byHash(lease.requestHash);
    return build && (build.leaseId === lease.id || lease.checkId !== null) ? orderOf(this.#state, build, lease) : null;
  }

  get #abandonedMs(): number {
    return this.#state.config.ABANDONED_MINUTES * 60_000;
  }

  #refuseUpload(nodeId: string, leaseId: string): string | null {
    const node = this.#state.nodes.present(nodeId, null, Date.now());
    if ('refused' in node) return node.refused;
    const lease = this.#state.leases.byId(leaseId);
    if (!lease || lease.nodeId !== nodeId) return 'this node holds no such lease';
    if (lease.state !== 'active') return 'the lease is over';
    return null;
  }

  #areComplete(nodeId: string, leaseId: string, files: readonly SentFile[]): boolean {
    if (this.#state.leases.byId(leaseId)?.nodeId !== nodeId) return false;
    const complete = new Set(
      this.#state.uploads.ofLease(leaseId).flatMap(({ name, state }) => (state === 'complete' ? [name] : [])),
    );
    return files.every(({ name }) => complete.has(name));
  }

  #count(name: string): void {
    this.#calls[name] = (this.#calls[name] ?? 0) + 1;
  }
}
