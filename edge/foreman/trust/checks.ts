/**
 * Builds of what is published already, to see whether what was said of it is so (shared/trust/checks.ts). A check has a lease like any
 * other, by which alone it is known: the build that it names has another one, so nothing that happens to it can touch what routers
 * have. How its lease ended without an answer need not be told here: it is seen by the lease, whoever ended it.
 */
import { and, asc, eq, gt, lt, lte, sql } from 'drizzle-orm';
import { type CheckKind, type CheckOutcome, MAX_REBUILDS, MAX_TRIES } from '../../../shared/trust/checks.ts';
import { LIFETIMES } from '../../lifetimes.ts';
import type { Database } from '../database.ts';
import { type CheckRow, checks, type KnownImage, leases, uploads } from '../schema.ts';

/** As texts: the indexes of these alone are used for these very texts. */
const isWaiting = sql`${checks.state} = 'waiting'`;
const isLeased = sql`${checks.state} = 'leased'`;
const isSettling = sql`${checks.state} = 'settling'`;
const isAbout = sql`${checks.state} <> 'ended'`;
const hasFiles = sql`${checks.files} = 'left'`;

/**
 * A node's last lines may come after its last word: the permit to write them that came with the order counts for so long, without
 * anybody being asked. What came after the files are gone would stay for good.
 */
export const UPLOADS_STAY_MS = LIFETIMES.orderPermitMs + LIFETIMES.logPermitMs + 60_000;
const LOST_AT_ONCE = 64;
const CLEANED_AT_ONCE = 8;

/** To whom it is given. */
export interface Given {
  readonly leaseId: string;
  readonly nodeId: string;
  readonly operator: string;
}

export class Checks {
  readonly #db: Database;
  readonly #questions: ReturnType<typeof questionsOf>;

  constructor(db: Database) {
    this.#db = db;
    this.#questions = questionsOf(db);
  }

  byId(id: number): CheckRow | undefined {
    return this.#questions.byId.get({ id });
  }

  /** The eldest that nobody has begun, behind this one. */
  next(kind: Exclude<CheckKind, 'canary'>, behind = 0): CheckRow | undefined {
    return this.#questions.next.get({ kind, behind });
  }

  /** Has this operator built it before as a check? Whoever is ordered the same twice knows why. */
  hadBy(operator: string, requestHash: string): boolean {
    const had = and(eq(checks.requestHash, requestHash), eq(checks.operator, operator));
    return this.#db.select({ id: checks.id }).from(checks).where(had).limit(1).get() !== undefined;
  }

  /** Is a canary of its target under way? */
  isMeasured({ branch, target }: Pick<KnownImage, 'branch' | 'target'>): boolean {
    const now = and(isLeased, eq(checks.branch, branch), eq(checks.target, target), eq(checks.kind, 'canary'));
    return this.#db.select({ id: checks.id }).from(checks).where(now).limit(1).get() !== undefined;
  }

  /** Is something about this node still to be settled? */
  isAccused(nodeId: string): boolean {
    const about = and(isAbout, eq(checks.accused, nodeId));
    return this.#db.select({ id: checks.id }).from(checks).where(about).limit(1).get() !== undefined;
  }

  /** It was, or will be; or it was tried so often that nothing is to be learnt by trying. */
  isRebuilt(requestHash: string): boolean {
    const isOf = and(eq(checks.requestHash, requestHash), eq(checks.kind, 'rebuild'));
    const isSettled = sql`${isAbout} OR ${checks.outcome} = 'settle'`;
    const isVain = sql`${checks.outcome} = 'unclear' OR (${checks.outcome} = 'lost' AND ${checks.tries} = ${MAX_TRIES - 1})`;
    const some = (which: typeof isOf, limit: number) =>
      this.#db.select({ id: checks.id }).from(checks).where(which).limit(limit).all().length === limit;
    return some(and(isOf, sql`(${isSettled})`), 1) || some(and(isOf, sql`(${isVain})`), MAX_REBUILDS);
  }

  /** For a trusted node, as soon as one has time for it. */
  add(kind: Exclude<CheckKind, 'canary'>, known: KnownImage, now: number, accused: string | null = null): void {
    this.#db
      .insert(checks)
      .values({ ...about(known), kind, state: 'waiting', accused, at: now })
      .run();
  }

  /** A canary, which waits for nobody. */
  addGiven(known: KnownImage, given: Given, now: number): CheckRow {
    const row = { ...about(known), ...given, kind: 'canary', state: 'leased', files: 'left', at: now } as const;
    return this.#db.insert(checks).values(row).returning().get();
  }

  /** False where another node was faster. */
  give(id: number, given: Given, now: number): boolean {
    const taken = this.#db
      .update(checks)
      .set({ ...given, state: 'leased', files: 'left', at: now })
      .where(and(eq(checks.id, id), isWaiting))
      .returning({ id: checks.id })
      .get();
    return taken !== undefined;
  }

  /** What a rebuild said takes the store to be settled. */
  said(id: number, said: string, now: number): void {
    this.#db.update(checks).set({ state: 'settling', said, at: now }).where(eq(checks.id, id)).run();
  }

  end(id: number, outcome: CheckOutcome, now: number, said: string | null = null): void {
    this.#db
      .update(checks)
      .set({ state: 'ended', outcome, at: now, ...(said !== null && { said }) })
      .where(eq(checks.id, id))
      .run();
  }

  /** The same once more, since of this one nothing was learnt; it remembers who had it (`nodeId`). */
  again(check: CheckRow, tries: number, now: number): void {
    const { kind, requestHash, branch, target, inputs, digest, knownNode, accused, nodeId } = check;
    const same = { kind, requestHash, branch, target, inputs, digest, knownNode, accused, nodeId };
    this.#db
      .insert(checks)
      .values({ ...same, state: 'waiting', tries, at: now })
      .run();
    this.end(check.id, 'lost', now);
  }

  /** Those whose lease has ended without a word, and whether it was given back: by its node, or since it could not be brought. */
  lost(): { readonly check: CheckRow; readonly isGivenBack: boolean }[] {
    return this.#db
      .select({ check: checks, endReason: leases.endReason })
      .from(checks)
      .leftJoin(leases, eq(leases.id, checks.leaseId))
      .where(and(isLeased, sql`${leases.state} IS NOT 'active'`))
      .limit(LOST_AT_ONCE)
      .all()
      .map(({ check, endReason }) => ({ check, isGivenBack: endReason?.startsWith('handed back') === true }));
  }

  /** The eldest of which a rebuild has said something that is not settled. */
  settling(): CheckRow | undefined {
    return this.#questions.settling.get();
  }

  /** Those that have left files behind which nobody needs any more. */
  toClean(now: number): CheckRow[] {
    return this.#db
      .select()
      .from(checks)
      .where(and(hasFiles, lte(checks.at, now - UPLOADS_STAY_MS), eq(checks.state, 'ended')))
      .orderBy(asc(checks.at))
      .limit(CLEANED_AT_ONCE)
      .all();
  }

  cleaned(id: number): void {
    this.#db.update(checks).set({ files: 'removed' }).where(eq(checks.id, id)).run();
  }

  /** When something is to be done for them; null for never. Leases have times of their own. */
  nextDueAt(): number | null {
    const row = this.#questions.nextFiles.get();
    return row?.at == null ? null : row.at + UPLOADS_STAY_MS;
  }

  /** With their leases and grants, which no build that ends takes with it. */
  forget(before: number, limit: number): void {
    const { id, at, leaseId } = checks;
    const old = this.#db.select({ id, leaseId }).from(checks).where(lt(at, before)).orderBy(asc(at)).limit(limit).all();
    this.#db.transaction((tx) => {
      for (const row of old) {
        tx.delete(uploads)
          .where(eq(uploads.leaseId, row.leaseId ?? ''))
          .run();
        tx.delete(leases)
          .where(eq(leases.id, row.leaseId ?? ''))
          .run();
        tx.delete(checks).where(eq(id, row.id)).run();
      }
    });
  }
}

const about = ({ requestHash, branch, target, inputs, digest, nodeId }: KnownImage) => ({
  requestHash,
  branch,
  target,
  inputs,
  digest,
  knownNode: nodeId,
});

/** Written once: see queue.ts. */
const questionsOf = (db: Database) => ({
  byId: db
    .select()
    .from(checks)
    .where(eq(checks.id, sql.placeholder('id')))
    .prepare(),
  next: db
    .select()
    .from(checks)
    .where(and(isWaiting, eq(checks.kind, sql.placeholder('kind')), gt(checks.id, sql.placeholder('behind'))))
    .orderBy(asc(checks.id))
    .limit(1)
    .prepare(),
  settling: db.select().from(checks).where(isSettling).orderBy(asc(checks.id)).limit(1).prepare(),
  nextFiles: db
    .select({ at: sql<number | null>`min(${checks.at})` })
    .from(checks)
    .where(hasFiles)
    .prepare(),
});
