/**
 * Leases: who builds what, until when. The lease's id is also the prefix under which its node may write objects, so two
 * attempts at one build never touch each other's files.
 */
import { and, asc, count, eq, lte, sql } from 'drizzle-orm';
import type { Pins } from '../../../shared/build/build-record.ts';
import { leaseExpiry, needsRenewal } from '../../../shared/node/lease.ts';
import type { Database } from '../database.ts';
import { type BuildRow, builds, type LeaseRow, leases, nodes } from '../schema.ts';

/** After its end what a lease left is looked at: later than anything that is sent under it may come. */
const FILES_LOOKED_AT_MS = 3_600_000;

export interface LeaseTimes {
  readonly leaseMs: number;
  readonly buildMs: number;
}

export class Leases {
  readonly #db: Database;
  readonly #times: LeaseTimes;
  readonly #questions: ReturnType<typeof questionsOf>;

  constructor(db: Database, times: LeaseTimes) {
    this.#db = db;
    this.#times = times;
    this.#questions = questionsOf(db);
  }

  byId(id: string): LeaseRow | undefined {
    return this.#questions.byId.get({ id });
  }

  /** The lease that an earlier try of the same call was given, its answer having been lost. */
  byKey(nodeId: string, idempotencyKey: string): LeaseRow | undefined {
    return this.#questions.byKey.get({ nodeId, idempotencyKey });
  }

  ofBuild(requestHash: string): LeaseRow[] {
    return this.#questions.ofBuild.all({ requestHash });
  }

  /** What is built of it now, or was tried last; of checks none counts. */
  latestOf(requestHash: string): LeaseRow | undefined {
    return this.ofBuild(requestHash).findLast(({ checkId }) => checkId === null);
  }

  /** Null where another node was faster, or the same call of this one was. */
  grant(
    build: BuildRow,
    nodeId: string,
    ask: { id: string; idempotencyKey: string; pins: Pins; upstreamDigest: string },
    now: number,
  ): LeaseRow | null {
    return this.#db.transaction((tx) => {
      if (this.byKey(nodeId, ask.idempotencyKey)) return null;
      const deadlineAt = now + this.#times.buildMs;
      const taken = tx
        .update(builds)
        .set({
          state: 'leased',
          leaseId: ask.id,
          attempts: sql`${builds.attempts} + 1`,
          startedAt: now,
          upstreamDigest: ask.upstreamDigest,
        })
        .where(and(eq(builds.requestHash, build.requestHash), eq(builds.state, 'queued')))
        .returning()
        .get();
      if (!taken) return null;
      return tx
        .insert(leases)
        .values({
          id: ask.id,
          requestHash: build.requestHash,
          nodeId,
          idempotencyKey: ask.idempotencyKey,
          attempt: taken.attempts,
          state: 'active',
          pins: ask.pins,
          grantedAt: now,
          expiresAt: leaseExpiry(now, this.#times.leaseMs, this.#latest({ deadlineAt })),
          deadlineAt,
        })
        .returning()
        .get();
    });
  }

  /** For a check: the build itself is left as it is. It looks like the first attempt at one. */
  grantCheck(
    check: { readonly id: number; readonly requestHash: string },
    nodeId: string,
    ask: { id: string; idempotencyKey: string; pins: Pins },
    now: number,
  ): LeaseRow {
    const { id: checkId, requestHash } = check;
    const deadlineAt = now + this.#times.buildMs;
    const expiresAt = leaseExpiry(now, this.#times.leaseMs, this.#latest({ deadlineAt }));
    return this.#db
      .insert(leases)
      .values({
        ...ask,
        checkId,
        requestHash,
        nodeId,
        attempt: 1,
        state: 'active',
        grantedAt: now,
        expiresAt,
        deadlineAt,
      })
      .returning()
      .get();
  }

  /** Notes a report. One that was heard before says nothing, not even that the node lives: it may be a replay. */
  heard(lease: LeaseRow, sequence: number, now: number): void {
    if (sequence <= lease.lastSequence) return;
    const renew = lease.state === 'active' && needsRenewal(lease.expiresAt, now, this.#times.leaseMs);
    this.#db
      .update(leases)
      .set({
        lastSequence: sequence,
        ...(renew && { expiresAt: leaseExpiry(now, this.#times.leaseMs, this.#latest(lease)) }),
      })
      .where(eq(leases.id, lease.id))
      .run();
  }

  /** Past the deadline nothing is built any more; what is left is uploading, for which as much time again is plenty. */
  #latest({ deadlineAt }: Pick<LeaseRow, 'deadlineAt'>): number {
    return deadlineAt + this.#times.buildMs;
  }

  /** As it was; undefined where it had ended before. For builds see end-lease.ts. */
  end(id: string, reason: string): LeaseRow | undefined {
    return this.#db
      .update(leases)
      .set({ state: 'ended', endReason: reason.slice(0, 500), filesDueAt: afterTheEnd })
      .where(and(eq(leases.id, id), eq(leases.state, 'active')))
      .returning()
      .get();
  }

  /** All that a node has, its checks among them; what becomes of their builds see orphaned.ts. */
  endAllOf(nodeId: string, reason: string): void {
    this.#db
      .update(leases)
      .set({ state: 'ended', endReason: reason.slice(0, 500), filesDueAt: afterTheEnd })
      .where(and(eq(leases.nodeId, nodeId), isActive))
      .run();
  }

  /** Those whose files are to be looked at. */
  withFilesDue(now: number, limit: number): LeaseRow[] {
    return this.#db
      .select()
      .from(leases)
      .where(and(hasFiles, lte(leases.filesDueAt, now)))
      .orderBy(asc(leases.filesDueAt))
      .limit(limit)
      .all();
  }

  nextFilesDueAt(): number | null {
    return this.#questions.nextFiles.get()?.at ?? null;
  }

  /** `at`: null for never, since they are gone, or an image's. */
  filesDue(id: string, at: number | null): void {
    this.#db.update(leases).set({ filesDueAt: at }).where(eq(leases.id, id)).run();
  }

  /** What is told of them from now on is not published. */
  filesRemoved(id: string): void {
    this.#db
      .update(leases)
      .set({ filesRemoved: true })
      .where(and(eq(leases.id, id), eq(leases.filesRemoved, false)))
      .run();
  }

  expired(now: number): LeaseRow[] {
    return this.#db
      .select()
      .from(leases)
      .where(and(eq(leases.state, 'active'), lte(leases.expiresAt, now)))
      .all();
  }

  /** When the next lease ends if nothing is heard; null for none. */
  nextExpiry(): number | null {
    return this.#questions.nextExpiry.get()?.at ?? null;
  }

  /** Of a clock that was set back since: no lease is longer than that. */
  isAheadOf(now: number): boolean {
    return (this.nextExpiry() ?? 0) > now + this.#times.leaseMs;
  }

  activeOf(nodeId: string): number {
    return this.#questions.activeOf.get({ nodeId })?.n ?? 0;
  }

  /** Of all volunteers of one operator. */
  activeOfVolunteers(operator: string): number {
    return this.#questions.activeOfVolunteers.get({ operator })?.n ?? 0;
  }

  active(): number {
    return this.#db.select({ n: count() }).from(leases).where(eq(leases.state, 'active')).get()?.n ?? 0;
  }

  /** Of trusted nodes alone. */
  activeOfTrusted(): number {
    const isTrusted = and(eq(nodes.id, leases.nodeId), eq(nodes.tier, 'trusted'));
    return (
      this.#db.select({ n: count() }).from(leases).innerJoin(nodes, isTrusted).where(eq(leases.state, 'active')).get()
        ?.n ?? 0
    );
  }

  /** A whole lease's time anew for every lease: nobody could report while the Foreman was away. */
  renewAll(now: number): void {
    this.#db
      .update(leases)
      .set({ expiresAt: now + this.#times.leaseMs })
      .where(eq(leases.state, 'active'))
      .run();
  }
}

/** As texts: the indexes of these alone are used for these very texts. */
const isActive = sql`${leases.state} = 'active'`;
const hasFiles = sql`${leases.filesDueAt} IS NOT NULL`;

/** By the time when it would have ended by itself: not long before it ended, if at all. Checks have their own (checks.ts). */
const afterTheEnd = sql`CASE WHEN ${leases.checkId} IS NULL THEN ${leases.expiresAt} + ${FILES_LOOKED_AT_MS} END`;

/** Written once: see queue.ts. */
const questionsOf = (db: Database) => ({
  byId: db
    .select()
    .from(leases)
    .where(eq(leases.id, sql.placeholder('id')))
    .prepare(),
  byKey: db
    .select()
    .from(leases)
    .where(
      and(eq(leases.nodeId, sql.placeholder('nodeId')), eq(leases.idempotencyKey, sql.placeholder('idempotencyKey'))),
    )
    .prepare(),
  ofBuild: db
    .select()
    .from(leases)
    .where(eq(leases.requestHash, sql.placeholder('requestHash')))
    .orderBy(asc(leases.grantedAt))
    .prepare(),
  activeOf: db
    .select({ n: count() })
    .from(leases)
    .where(and(eq(leases.nodeId, sql.placeholder('nodeId')), isActive))
    .prepare(),
  // From its nodes to their leases, which CROSS says: else all that are active anywhere are read.
  activeOfVolunteers: db
    .select({ n: count() })
    .from(nodes)
    .crossJoin(leases)
    .where(
      and(
        eq(nodes.operator, sql.placeholder('operator')),
        eq(nodes.tier, 'volunteer'),
        eq(leases.nodeId, nodes.id),
        isActive,
      ),
    )
    .prepare(),
  nextFiles: db
    .select({ at: sql<number | null>`min(${leases.filesDueAt})` })
    .from(leases)
    .where(hasFiles)
    .prepare(),
  nextExpiry: db
    .select({ at: sql<number | null>`min(${leases.expiresAt})` })
    .from(leases)
    .where(eq(leases.state, 'active'))
    .prepare(),
});
