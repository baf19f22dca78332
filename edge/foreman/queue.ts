/**
 * The queue: one live build per intent, first come first served. Every statement goes by index; a Durable Object that
 * scanned its table at each poll would stop at a few thousand builds.
 */
import { and, asc, count, desc, eq, inArray, isNotNull, lt, lte, ne, sql } from 'drizzle-orm';
import type { FailureRecord, RequestEcho } from '../../shared/build-record.ts';
import type { Conditions } from '../../shared/conditions.ts';
import { requestHash } from '../../shared/intent.ts';
import type { NormalizedRequest } from '../../shared/normalize-request.ts';
import type { Database } from './database.ts';
import { type BuildRow, builds, LIVE_STATES } from './schema.ts';

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
}

/** What an ended build has no more use for, secrets and their fingerprints first. */
const ENDED = {
  sealedDefaults: null,
  record: null,
  request: sql<NormalizedRequest>`json_set(${builds.request}, '$.defaultsMac', '')`,
} as const;

export class Queue {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The newest build of an intent, whatever its state. */
  newest(intentHash: string): BuildRow | undefined {
    return this.#db
      .select()
      .from(builds)
      .where(eq(builds.intentHash, intentHash))
      .orderBy(desc(builds.generation))
      .limit(1)
      .get();
  }

  byHash(hash: string): BuildRow | undefined {
    return this.#db.select().from(builds).where(eq(builds.requestHash, hash)).get();
  }

  /** The next generation of the intent, queued. */
  add(submission: Submission, generation: number, now: number): BuildRow {
    const hash = requestHash(submission.intentHash, generation);
    return this.#db
      .insert(builds)
      .values({
        requestHash: hash,
        intentHash: submission.intentHash,
        generation,
        state: 'queued',
        request: submission.request,
        echo: submission.echo,
        conditions: submission.conditions,
        sealedDefaults: submission.sealedDefaults,
        upstreamDigest: submission.upstreamDigest,
        enqueuedAt: now,
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

  /** Builds that may be leased now, eldest first. */
  candidates(now: number, limit: number): BuildRow[] {
    return this.#db
      .select()
      .from(builds)
      .where(and(eq(builds.state, 'queued'), lte(builds.notBefore, now)))
      .orderBy(asc(builds.sequence))
      .limit(limit)
      .all();
  }

  /** Unfinished builds accepted earlier: it can only shrink. */
  position(build: Pick<BuildRow, 'sequence'>): number {
    return this.#count(and(inArray(builds.state, [...LIVE_STATES]), lt(builds.sequence, build.sequence)));
  }

  waiting(): number {
    return this.#count(eq(builds.state, 'queued'));
  }

  live(): number {
    return this.#count(inArray(builds.state, [...LIVE_STATES]));
  }

  /** Not before `at`, since upstream cannot be asked now. Counted, so that nobody waits for ever. */
  postpone(hash: string, at: number): void {
    this.#db
      .update(builds)
      .set({ notBefore: at, pinFailures: sql`${builds.pinFailures} + 1` })
      .where(and(eq(builds.requestHash, hash), eq(builds.state, 'queued')))
      .run();
  }

  /** Back to its old place in the queue. `countsAsAttempt` is false where the node is not to blame. */
  requeue(hash: string, countsAsAttempt: boolean): void {
    this.#db
      .update(builds)
      .set({
        state: 'queued',
        leaseId: null,
        startedAt: null,
        step: 0,
        bytesDone: 0,
        bytesTotal: 0,
        ...(!countsAsAttempt && { attempts: sql`max(0, ${builds.attempts} - 1)` }),
      })
      .where(and(eq(builds.requestHash, hash), inArray(builds.state, ['leased', 'running'])))
      .run();
  }

  /** Back from this lease, if it still has the build, and nobody is to blame: handed back, or a vote that decides nothing. */
  requeueFrom(lease: { readonly id: string; readonly requestHash: string }): void {
    if (this.byHash(lease.requestHash)?.leaseId === lease.id) this.requeue(lease.requestHash, false);
  }

  fail(hash: string, failure: FailureRecord, now: number): void {
    this.#db
      .update(builds)
      .set({ ...ENDED, state: 'failed', failure, finishedAt: now, expiresAt: failure.private ? now : null })
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

  /** Ended builds whose files are due for removal. */
  expired(now: number): BuildRow[] {
    return this.#db.select().from(builds).where(lte(builds.expiresAt, now)).all();
  }

  removed(hash: string): void {
    this.#db.update(builds).set({ expiresAt: null }).where(eq(builds.requestHash, hash)).run();
  }

  nextExpiry(): number | null {
    const row = this.#db
      .select({ at: sql<number | null>`min(${builds.expiresAt})` })
      .from(builds)
      .get();
    return row?.at ?? null;
  }

  publishing(): BuildRow[] {
    return this.#db.select().from(builds).where(eq(builds.state, 'publishing')).orderBy(asc(builds.sequence)).all();
  }

  /** When the next postponed build becomes due; null for none. */
  nextPostponed(now: number): number | null {
    const row = this.#db
      .select({ at: sql<number | null>`min(${builds.notBefore})` })
      .from(builds)
      .where(and(eq(builds.state, 'queued'), sql`${builds.notBefore} > ${now}`))
      .get();
    return row?.at ?? null;
  }

  /** Durations of the last builds, for the estimate. Milliseconds. */
  recentDurations(limit: number): number[] {
    return this.#db
      .select({ finished: builds.finishedAt, started: builds.startedAt })
      .from(builds)
      .where(and(isNotNull(builds.finishedAt), eq(builds.state, 'done')))
      .orderBy(desc(builds.finishedAt))
      .limit(limit)
      .all()
      .flatMap((row) => (row.finished !== null && row.started !== null ? [row.finished - row.started] : []));
  }

  #count(where: ReturnType<typeof and>): number {
    return this.#db.select({ n: count() }).from(builds).where(where).get()?.n ?? 0;
  }
}
