/**
 * What is known for building before anybody asks: which wishes many had, and what of upstream was seen already. In tables, so that a
 * restart repeats nothing, and a version that is listed, gone and listed again is one version.
 */
import { and, asc, eq, gt, isNull, lt, ne, sql, sum } from 'drizzle-orm';
import type { WantedImage } from '../../../shared/prebuild/wanted-image.ts';
import { HISTORY_MS } from '../../lifetimes.ts';
import type { Database } from '../database.ts';
import { metaValue, setMeta } from '../meta.ts';
import { upstreamSeen, wanted } from '../schema.ts';

const LOOKED_AT = 'prebuilds_looked_at';
/** A release takes hours to reach all its targets; and each look reads some documents of the catalogue. */
const LOOK_EVERY_MS = 10 * 60_000;
/** In place of its ImageBuilder: a target of which something is still to be queued. */
export const NOT_HANDLED = '';
/** Values that one statement takes. */
const VALUES = 90;

export interface WantedWish {
  readonly intentHash: string;
  readonly place: number;
  readonly image: WantedImage;
}

export type SeenTarget = typeof upstreamSeen.$inferSelect;

export class Prebuilds {
  readonly #db: Database;
  readonly #isWanted: () => boolean;
  #lookedAt: number | undefined;

  /** `isWanted`: is there anything at all that could be wanted? A server that nobody asks is not woken for this. */
  constructor(db: Database, isWanted: () => boolean) {
    this.#db = db;
    this.#isWanted = isWanted;
  }

  /** When upstream is to be looked at, be it that this is over; null where nothing is wanted. */
  nextLookAt(now: number): number | null {
    if (!this.#isWanted()) return null;
    this.#lookedAt ??= metaValue(this.#db, LOOKED_AT);
    if (this.#lookedAt === undefined) this.looked(now);
    return (this.#lookedAt ?? now) + LOOK_EVERY_MS;
  }

  looked(now: number): void {
    this.#lookedAt = now;
    setMeta(this.#db, LOOKED_AT, now);
  }

  /** Most wanted first. */
  wanted(): WantedWish[] {
    const rows = this.#db.select().from(wanted).orderBy(asc(wanted.place)).all();
    return rows.flatMap(({ image, ...row }) => (image ? [{ ...row, image }] : []));
  }

  isListed(intentHash: string): boolean {
    return this.#db.select().from(wanted).where(eq(wanted.intentHash, intentHash)).get() !== undefined;
  }

  list(intentHash: string, image: WantedImage | null): void {
    this.#db.insert(wanted).values({ intentHash, place: Number.MAX_SAFE_INTEGER, image }).onConflictDoNothing().run();
  }

  /** Those without an image may have one by another day. */
  forgetUnknown(): void {
    this.#db.delete(wanted).where(isNull(wanted.image)).run();
  }

  /** Those that are listed are in this order from now on, and all others no more wanted. */
  rank(intentHashes: readonly string[]): void {
    this.#db.transaction((tx) => {
      tx.update(wanted).set({ place: -1 }).run();
      for (const [place, intentHash] of intentHashes.entries())
        tx.update(wanted).set({ place }).where(eq(wanted.intentHash, intentHash)).run();
      tx.delete(wanted).where(eq(wanted.place, -1)).run();
    });
  }

  /**
   * Notes versions that were not seen before. What is there at the first look is nothing new: a server that learned this today must
   * not build for every release that ever was.
   */
  noteVersions(versions: readonly string[], now: number): void {
    const isFirst =
      this.#db.select().from(upstreamSeen).where(eq(upstreamSeen.target, '')).limit(1).get() === undefined;
    const at = isFirst ? 0 : now;
    for (let from = 0; from < versions.length; from += VALUES / 5)
      this.#db
        .insert(upstreamSeen)
        .values(
          versions
            .slice(from, from + VALUES / 5)
            .map((version) => ({ version, target: '', imageBuilder: '', builds: 0, at })),
        )
        .onConflictDoNothing()
        .run();
  }

  /** Versions that were seen first since then, and when. */
  newSince(at: number): ReadonlyMap<string, number> {
    const rows = this.#db
      .select()
      .from(upstreamSeen)
      .where(and(eq(upstreamSeen.target, ''), gt(upstreamSeen.at, at)))
      .all();
    return new Map(rows.map((row) => [row.version, row.at]));
  }

  seen(version: string, target: string): SeenTarget | undefined {
    const where = and(eq(upstreamSeen.version, version), eq(upstreamSeen.target, target));
    return this.#db.select().from(upstreamSeen).where(where).get();
  }

  /** That were queued for all targets of a version. */
  buildsFor(version: string): number {
    const builds = this.#db.select({ n: sum(upstreamSeen.builds) }).from(upstreamSeen);
    return Number(builds.where(eq(upstreamSeen.version, version)).get()?.n ?? 0);
  }

  noteTarget(seen: SeenTarget): void {
    this.#db
      .insert(upstreamSeen)
      .values(seen)
      .onConflictDoUpdate({ target: [upstreamSeen.version, upstreamSeen.target], set: seen })
      .run();
  }

  /** One that was queued for it was dropped. */
  dropped({ version, target }: Pick<SeenTarget, 'version' | 'target'>): void {
    this.#db
      .update(upstreamSeen)
      .set({ imageBuilder: NOT_HANDLED, builds: sql`max(0, ${upstreamSeen.builds} - 1)` })
      .where(and(eq(upstreamSeen.version, version), eq(upstreamSeen.target, target)))
      .run();
  }

  /** Targets that have not moved for long. Versions stay: one that comes back is not new. */
  forget(now: number): void {
    const isOld = and(ne(upstreamSeen.target, ''), lt(upstreamSeen.at, now - HISTORY_MS));
    this.#db.delete(upstreamSeen).where(isOld).run();
  }
}
