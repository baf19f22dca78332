/**
 * The queue: one live build per intent, from its acceptance to its end; whose turn it is says waiting-line.ts. Every statement
 * goes by index and reads as much of a long queue as of a short one; a Durable Object that scanned its table at each poll would
 * stop at a few thousand builds.
 */
import { and, asc, desc, eq, gt, inArray, isNotNull, lte, ne, sql } from 'drizzle-orm';
import type { FailureRecord, RequestEcho } from '../../../shared/build/build-record.ts';
import { PREBUILD_TURN } from '../../../shared/queue/turn.ts';
import type { Conditions } from '../../../shared/request/conditions.ts';
import { requestHash } from '../../../shared/request/intent.ts';
import type { NormalizedRequest } from '../../../shared/request/normalize-request.ts';
import type { Database } from '../database.ts';
import { type BuildRow, type BuildState, builds, isQueued, type Whom } from '../schema.ts';
import { EndedBuilds } from './ended-builds.ts';
import { Newcomers } from './newcomers.ts';
import { Polls } from './polls.ts';
import { Ranks } from './ranks.ts';
import { Turns } from './turns.ts';
import { WaitingLine } from './waiting-line.ts';

/** A request that no cache could answer. */
export interface Submission {
  readonly intentHash: string;
  /** Newest generation that the sender knows and found stale; 0 for none. */
  readonly seenGeneration: number;
  readonly request: NormalizedRequest;
  readonly echo: RequestEcho;
  readonly conditions: Conditions;
  readonly sealedDefaults: string | null;
  readonly upstreamDigest: string;
  /** Who asks; empty where nobody can be told from anybody else. */
  readonly clientKey: string;
  /** Sha256 of the ImageBuilder that upstream has now. */
  readonly imageBuilder: string;
}

/** So soon upstream is asked again for a build. */
const POSTPONE_MS = 5_000;

/** What an ended build has no more use for, secrets and their fingerprints first. */
const ENDED = {
  clientKey: '',
  sealedDefaults: null,
  record: null,
  request: sql<NormalizedRequest>`json_set(${builds.request}, '$.defaultsMac', '')`,
} as const;

export class Queue {
  readonly #db: Database;
  readonly #ranks: Ranks;
  readonly #questions: ReturnType<typeof questionsOf>;
  /** Who stands where in it. */
  readonly line: WaitingLine;
  /** What came out of it. */
  readonly ended: EndedBuilds;
  readonly turns: Turns;
  readonly polls: Polls;
  readonly newcomers = new Newcomers();

  constructor(db: Database) {
    this.#db = db;
    this.#ranks = new Ranks(db);
    this.#questions = questionsOf(db);
    this.line = new WaitingLine(db, this.#ranks);
    this.ended = new EndedBuilds(db);
    this.turns = new Turns(db);
    this.polls = new Polls(db);
  }

  /** The newest build of an intent, whatever its state. */
  newest(intentHash: string): BuildRow | undefined {
    return this.#questions.newest.get({ intentHash });
  }

  /** Is a later generation under way, or was there one? */
  hasSuccessor({ intentHash, requestHash: hash }: Pick<BuildRow, 'intentHash' | 'requestHash'>): boolean {
    return (this.newest(intentHash)?.requestHash ?? hash) !== hash;
  }

  byHash(hash: string): BuildRow | undefined {
    return this.#questions.byHash.get({ hash });
  }

  /** The next generation of the intent, queued. `enqueuedAt`: when it was accepted, where that was before. */
  add(submission: Submission, generation: number, now: number, whom: Whom, enqueuedAt = now): BuildRow {
    const turn = this.#takeTurn(submission.clientKey, now);
    return this.#insert(submission, generation, { whom, turn, enqueuedAt, queuedAt: now, polledAt: now });
  }

  /**
   * The same, asked for by nobody. `place`: among others of its kind. `polledAt`: when somebody asked for it last, as it were, which
   * says when it leaves the queue by itself.
   */
  addPrebuild(
    submission: Submission,
    generation: number,
    { whom, place, polledAt }: { readonly whom: Whom; readonly place: number; readonly polledAt: number },
    now: number,
  ): BuildRow {
    const turn = PREBUILD_TURN + place;
    return this.#insert(submission, generation, { whom, turn, enqueuedAt: now, queuedAt: now, polledAt });
  }

  #takeTurn(clientKey: string, now: number): number {
    const turn = this.turns.next(clientKey);
    if (turn === this.turns.now() + 1) this.newcomers.came(now);
    this.turns.take(clientKey, turn);
    return turn;
  }

  #insert(
    submission: Submission,
    generation: number,
    place: Pick<BuildRow, 'whom' | 'turn' | 'enqueuedAt' | 'queuedAt' | 'polledAt'>,
  ): BuildRow {
    const hash = requestHash(submission.intentHash, generation);
    return this.#db
      .insert(builds)
      .values({
        ...place,
        clientKey: submission.clientKey,
        imageBuilder: submission.imageBuilder,
        requestHash: hash,
        intentHash: submission.intentHash,
        generation,
        state: 'queued',
        request: submission.request,
        echo: submission.echo,
        conditions: submission.conditions,
        sealedDefaults: submission.sealedDefaults,
        upstreamDigest: submission.upstreamDigest,
        notBefore: 0,
      })
      .returning()
      .get();
  }

  /** From now on the build is made whatever upstream is by then. */
  dropConditions(hash: string): void {
    this.#db
      .update(builds)
      .set({ conditions: { version_code: '', packages_versions: {} } })
      .where(eq(builds.requestHash, hash))
      .run();
  }

  /**
   * Somebody else asks for what waits already: it is the turn of whichever of them comes first, and the other one has spent
   * none.
   */
  joinedBy(clientKey: string, build: BuildRow): void {
    if (build.state !== 'queued' || clientKey === build.clientKey) return;
    const turn = this.turns.next(clientKey);
    if (turn >= build.turn) return;
    this.turns.take(clientKey, turn);
    this.#db
      .update(builds)
      .set({ turn })
      .where(and(eq(builds.requestHash, build.requestHash), isQueued))
      .run();
  }

  /**
   * Somebody asks for what nobody had asked for: from now on it is this client's, and accepted now. It takes the last place, since to
   * stand before others who wait would make their positions grow. On a node it is what it was ordered to be; else as it is asked for.
   */
  askedFor({ clientKey, echo, conditions }: Submission, build: BuildRow, now: number): void {
    const turn = this.#takeTurn(clientKey, now);
    const sequence = sql<number>`(SELECT max(${builds.sequence}) + 1 FROM ${builds})`;
    const asAsked = build.state === 'queued' ? { conditions } : {};
    this.#db
      .update(builds)
      .set({ clientKey, turn, sequence, echo, ...asAsked, enqueuedAt: now, polledAt: now })
      .where(eq(builds.requestHash, build.requestHash))
      .run();
  }

  /** For whom it is now, and by which secret it is drawn who that is. */
  assign(hash: string, whom: Whom, draw: string): void {
    this.#db.update(builds).set({ whom, draw }).where(eq(builds.requestHash, hash)).run();
  }

  /** That somebody asked for. */
  waiting(): number {
    return this.#ranks.before('queued', PREBUILD_TURN);
  }

  prebuildsWaiting(): number {
    return this.#ranks.all('queued') - this.waiting();
  }

  live(): number {
    return this.#ranks.all('live');
  }

  /**
   * Waits for a moment, since upstream cannot be asked now. Counted, so that nobody waits for ever; once, however many nodes
   * were woken for it.
   */
  postpone(hash: string, now: number): void {
    this.#db
      .update(builds)
      .set({ notBefore: now + POSTPONE_MS, pinFailures: sql`${builds.pinFailures} + 1` })
      .where(and(eq(builds.requestHash, hash), isQueued, lte(builds.notBefore, now)))
      .run();
  }

  /**
   * Back to its old place in the queue, where it is waited for anew. `countsAsAttempt` is false where the node is not to
   * blame.
   */
  requeue(
    hash: string,
    countsAsAttempt: boolean,
    now: number,
    from: readonly BuildState[] = ['leased', 'running'],
  ): void {
    this.#db
      .update(builds)
      .set({
        state: 'queued',
        queuedAt: now,
        // Of a prebuild nobody asks: it keeps its time.
        polledAt: sql`max(${builds.polledAt}, ${now})`,
        leaseId: null,
        record: null,
        startedAt: null,
        step: 0,
        bytesDone: 0,
        bytesTotal: 0,
        ...(!countsAsAttempt && { attempts: sql`max(0, ${builds.attempts} - 1)` }),
      })
      .where(and(eq(builds.requestHash, hash), inArray(builds.state, [...from])))
      .run();
  }

  /** Back from this lease, if it still has the build, and nobody is to blame: handed back, or a vote that decides nothing. */
  requeueFrom(lease: { readonly id: string; readonly requestHash: string }, now: number): void {
    if (this.byHash(lease.requestHash)?.leaseId === lease.id) this.requeue(lease.requestHash, false, now);
  }

  /** `expiresAt`: as for `finish`. */
  fail(hash: string, failure: FailureRecord, expiresAt: number | null, now: number): void {
    this.#db
      .update(builds)
      .set({ ...ENDED, state: 'failed', failure, finishedAt: now, expiresAt })
      .where(and(eq(builds.requestHash, hash), ne(builds.state, 'done')))
      .run();
  }

  /** `expiresAt`: when its files are to be removed; null for never. */
  finish(hash: string, expiresAt: number | null, now: number): void {
    this.#db
      .update(builds)
      .set({ ...ENDED, state: 'done', finishedAt: now, expiresAt })
      .where(and(eq(builds.requestHash, hash), eq(builds.state, 'publishing')))
      .run();
  }

  /** Decided builds behind a place in the queue, eldest first. */
  publishing(behind: number, limit: number): BuildRow[] {
    return this.#questions.publishing.all({ behind, limit });
  }

  isPublishing(): boolean {
    return this.#questions.isPublishing.get() !== undefined;
  }

  /** When the next postponed build becomes due; null for none. */
  nextPostponed(now: number): number | null {
    return this.#questions.nextPostponed.get({ now })?.at ?? null;
  }

  /** Those that came, or were postponed, by a clock that was ahead of this one do not wait until it comes there. */
  resumeAhead(now: number): void {
    this.#db
      .update(builds)
      .set({ queuedAt: now })
      .where(and(isQueued, gt(builds.queuedAt, now)))
      .run();
    this.#db
      .update(builds)
      .set({ notBefore: now })
      .where(and(isQueued, gt(builds.notBefore, now + POSTPONE_MS)))
      .run();
  }

  /** Durations of the last builds, for the estimate. Milliseconds. */
  recentDurations(limit: number): number[] {
    return this.#questions.lastDone
      .all({ limit })
      .flatMap((row) => (row.finished !== null && row.started !== null ? [row.finished - row.started] : []));
  }
}

/**
 * What is asked many times a second, written once: to write such a statement takes several times as long as to run it, and that
 * is most of what the Foreman would do on a release day.
 */
const questionsOf = (db: Database) => ({
  newest: db
    .select()
    .from(builds)
    .where(eq(builds.intentHash, sql.placeholder('intentHash')))
    .orderBy(desc(builds.generation))
    .limit(1)
    .prepare(),
  byHash: db
    .select()
    .from(builds)
    .where(eq(builds.requestHash, sql.placeholder('hash')))
    .prepare(),
  publishing: db
    .select()
    .from(builds)
    .where(and(eq(builds.state, 'publishing'), gt(builds.sequence, sql.placeholder('behind'))))
    .orderBy(asc(builds.sequence))
    .limit(sql.placeholder('limit'))
    .prepare(),
  isPublishing: db.select({ n: builds.sequence }).from(builds).where(eq(builds.state, 'publishing')).limit(1).prepare(),
  nextPostponed: db
    .select({ at: sql<number | null>`min(${builds.notBefore})` })
    .from(builds)
    .where(and(isQueued, sql`${builds.notBefore} > ${sql.placeholder('now')}`))
    .prepare(),
  lastDone: db
    .select({ finished: builds.finishedAt, started: builds.startedAt })
    .from(builds)
    // By the plus the index by time is taken, of which the last rows suffice; that by state would have all of them sorted.
    .where(and(isNotNull(builds.finishedAt), sql`+${builds.state} = 'done'`))
    .orderBy(desc(builds.finishedAt))
    .limit(sql.placeholder('limit'))
    .prepare(),
});
