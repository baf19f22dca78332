/**
 * What is published and takes space in the store: a row for each image, from the moment in which it is published until its last byte is
 * gone. Nothing that is served depends on these rows; one that is missing is found again by its record (sweep-store.ts). What all of
 * them take is kept by triggers, so that it costs the same for ten images and for a hundred thousand.
 */
import { and, asc, eq, lt, ne, sql } from 'drizzle-orm';
import type { BuildRecord } from '../../../shared/build/build-record.ts';
import { utf8ToBytes } from '../../../shared/crypto/digest.ts';
import { GRACE_MS, imagesToRemove, SERVED_GRAIN_MS } from '../../../shared/store/image-budget.ts';
import type { Database } from '../database.ts';
import { type ImageRow, imageSums, images, type UploadRow } from '../schema.ts';

/** Names that an isolate may tell of at once. */
const MAX_SERVED = 1_000;

/** As texts: the indexes of these alone are used for these very texts. */
const isRemovable = sql`${images.state} = 'kept' AND ${images.isPrivate} = 0`;
const isLeaving = sql`${images.state} = 'leaving'`;

/** Another image may have taken the place of the one that was meant. */
type ImageName = Pick<ImageRow, 'requestHash' | 'leaseId'>;

const isThis = ({ requestHash, leaseId }: ImageName) =>
  and(eq(images.requestHash, requestHash), eq(images.leaseId, leaseId));

/** Images, and bytes of their files and records. */
export interface Amount {
  readonly n: number;
  readonly bytes: number;
}

export class Images {
  readonly #db: Database;
  readonly #questions: ReturnType<typeof questionsOf>;

  constructor(db: Database) {
    this.#db = db;
    this.#questions = questionsOf(db);
  }

  of(requestHash: string): ImageRow | undefined {
    return this.#questions.of.get({ requestHash });
  }

  /** Are these the files of an image? */
  hasFilesOf(leaseId: string): boolean {
    return this.#questions.ofLease.get({ leaseId }) !== undefined;
  }

  /**
   * From now on it counts; nothing changes where it does already. What had its name with the files of another lease counts no more.
   * `leavesAt`: it is to be unpublished then. `uploaded`: all that its lease has in the store, which may be more than is published.
   */
  add(
    record: BuildRecord,
    uploaded: readonly Pick<UploadRow, 'name' | 'sizeBytes' | 'state'>[],
    now: number,
    leavesAt: number | null = null,
  ): void {
    const { requestHash, intentHash, leaseId, files, private: isPrivate } = record;
    const ofRecord = utf8ToBytes(JSON.stringify(record)).length;
    const there = uploaded.filter((file) => file.state === 'complete');
    const sizes = new Map([...there, ...files].map(({ name, sizeBytes }) => [name, sizeBytes]));
    const bytes = [...sizes.values()].reduce((total, size) => total + size, ofRecord);
    const state = leavesAt === null ? 'kept' : 'leaving';
    this.#db.transaction((tx) => {
      // Not an update: the triggers count what comes and what goes.
      tx.delete(images)
        .where(and(eq(images.requestHash, requestHash), ne(images.leaseId, leaseId)))
        .run();
      tx.insert(images)
        .values({ requestHash, intentHash, leaseId, bytes, isPrivate, servedAt: now, state, dueAt: leavesAt ?? 0 })
        .onConflictDoNothing()
        .run();
    });
  }

  /** Of these somebody was told, or fetched something. */
  served(requestHashes: readonly string[], now: number): void {
    const before = now - SERVED_GRAIN_MS;
    this.#db.transaction(() => {
      for (const requestHash of requestHashes.slice(0, MAX_SERVED))
        this.#questions.serve.run({ requestHash, now, before });
    });
  }

  /** Those that go next, for the budget. */
  toRemove(budgetBytes: number, limit: number, now: number): ImageRow[] {
    if (!this.#isOver(budgetBytes)) return [];
    return imagesToRemove(this.#questions.removable.all({ limit }), this.amount('kept').bytes, budgetBytes, now);
  }

  /** When the next may go for the budget; null for never. */
  nextToRemove(budgetBytes: number): number | null {
    if (!this.#isOver(budgetBytes)) return null;
    const [next] = this.#questions.removable.all({ limit: 1 });
    return next ? next.servedAt + GRACE_MS : null;
  }

  /** It is to be told to nobody any more, and to go. */
  leave(requestHash: string, now: number): void {
    this.#db
      .update(images)
      .set({ state: 'leaving', step: 0, dueAt: now })
      .where(and(eq(images.requestHash, requestHash), eq(images.state, 'kept')))
      .run();
  }

  /** Those with which there is something to do. */
  due(limit: number, now: number): ImageRow[] {
    return this.#db
      .select()
      .from(images)
      .where(and(isLeaving, lt(images.dueAt, now + 1)))
      .orderBy(asc(images.dueAt))
      .limit(limit)
      .all();
  }

  nextDueAt(): number | null {
    return this.#questions.nextDue.get()?.at ?? null;
  }

  /** What is due next, and when. */
  put(image: ImageName, fields: Pick<ImageRow, 'step' | 'dueAt'>): void {
    this.#db
      .update(images)
      .set(fields)
      .where(and(isThis(image), isLeaving))
      .run();
  }

  /** Nothing of it is left. */
  remove(image: ImageName): void {
    this.#db.delete(images).where(isThis(image)).run();
  }

  amount(state: 'kept' | 'leaving' | 'removed'): Amount {
    return this.#questions.amount.get({ state }) ?? { n: 0, bytes: 0 };
  }

  #isOver(budgetBytes: number): boolean {
    return budgetBytes > 0 && this.amount('kept').bytes > budgetBytes;
  }
}

/** Written once: see queue.ts. */
const questionsOf = (db: Database) => ({
  of: db
    .select()
    .from(images)
    .where(eq(images.requestHash, sql.placeholder('requestHash')))
    .prepare(),
  ofLease: db
    .select({ requestHash: images.requestHash })
    .from(images)
    .where(eq(images.leaseId, sql.placeholder('leaseId')))
    .limit(1)
    .prepare(),
  serve: db
    .update(images)
    .set({ servedAt: sql`${sql.placeholder('now')}` })
    .where(
      and(
        eq(images.requestHash, sql.placeholder('requestHash')),
        eq(images.state, 'kept'),
        lt(images.servedAt, sql.placeholder('before')),
      ),
    )
    .prepare(),
  removable: db
    .select()
    .from(images)
    .where(isRemovable)
    .orderBy(asc(images.servedAt))
    .limit(sql.placeholder('limit'))
    .prepare(),
  nextDue: db
    .select({ at: sql<number | null>`min(${images.dueAt})` })
    .from(images)
    .where(isLeaving)
    .prepare(),
  amount: db
    .select({ n: imageSums.n, bytes: imageSums.bytes })
    .from(imageSums)
    .where(eq(imageSums.state, sql.placeholder('state')))
    .prepare(),
});
