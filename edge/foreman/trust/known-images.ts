/**
 * What is published and may be built again by a check. In a table of its own: of a build that has ended nothing tells any more whether
 * it was private, and one must be found by chance among a hundred thousand without reading them. Each stands at a place that was
 * drawn when it came, so whoever looks behind a place that is drawn as well finds one that nobody could foresee.
 */
import { and, count, eq, gte, lt, sql } from 'drizzle-orm';
import { branchOf } from '../../../shared/trust/reproducibility.ts';
import type { Database } from '../database.ts';
import { type BuildRow, type KnownImage, knownImages } from '../schema.ts';
import { draw } from './draw.ts';

const PLACES = 2 ** 31;
/** Looked at together, behind the place that was drawn. */
const AT_ONCE = 4;
/** Images that are kept ready to measure one target by. */
const MEASURING = 16;

/** As texts: the indexes of these alone are used for these very texts. */
const isTrusted = sql`${knownImages.word} = 'trusted'`;
const isMeasuring = sql`${knownImages.measures} = 1`;

export class KnownImages {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  of(requestHash: string): KnownImage | undefined {
    return this.#db.select().from(knownImages).where(eq(knownImages.requestHash, requestHash)).get();
  }

  /** `isToMeasure`: it is not known yet whether its target is reproducible. */
  add(
    { requestHash, request: { version, target } }: Pick<BuildRow, 'requestHash' | 'request'>,
    known: Pick<KnownImage, 'word' | 'imageBuilder' | 'inputs' | 'digest' | 'nodeId' | 'operator'>,
    isToMeasure: boolean,
    now: number,
  ): void {
    const branch = branchOf(version);
    const measures = isToMeasure && this.#measuring(branch, target) < MEASURING ? 1 : 0;
    const row = { requestHash, ...known, branch, target, measures, place: Math.floor(draw() * PLACES), at: now };
    this.#db.insert(knownImages).values(row).onConflictDoUpdate({ target: knownImages.requestHash, set: row }).run();
  }

  /** Some, drawn, of those made by this ImageBuilder; of whichever with an empty one. */
  drawn(imageBuilder: string): KnownImage[] {
    return this.#behindAPlace(
      imageBuilder === '' ? isTrusted : and(isTrusted, eq(knownImages.imageBuilder, imageBuilder)),
    );
  }

  /** The same, of those by which a target is measured. */
  drawnToMeasure(): KnownImage[] {
    return this.#behindAPlace(isMeasuring);
  }

  put(requestHash: string, fields: Partial<Pick<KnownImage, 'word' | 'nodeId' | 'operator'>>): void {
    this.#db.update(knownImages).set(fields).where(eq(knownImages.requestHash, requestHash)).run();
  }

  /** It is of no use any more. */
  remove(requestHash: string): void {
    this.#db.delete(knownImages).where(eq(knownImages.requestHash, requestHash)).run();
  }

  /** The target is measured. */
  measured({ branch, target }: Pick<KnownImage, 'branch' | 'target'>): void {
    this.#db
      .update(knownImages)
      .set({ measures: 0 })
      .where(and(isMeasuring, eq(knownImages.branch, branch), eq(knownImages.target, target)))
      .run();
  }

  /** One whose hash begins like this, and that volunteers published. */
  ofQuorum(beginning: string): KnownImage | undefined {
    const { requestHash } = knownImages;
    const begins = and(gte(requestHash, beginning), lt(requestHash, `${beginning}g`));
    const row = this.#db.select().from(knownImages).where(begins).limit(1).get();
    return row?.word === 'quorum' ? row : undefined;
  }

  forget(before: number, limit: number): void {
    const { requestHash, at } = knownImages;
    const old = sql`(SELECT ${requestHash} FROM ${knownImages} WHERE ${at} < ${before} ORDER BY ${at} LIMIT ${limit})`;
    this.#db.delete(knownImages).where(sql`${requestHash} IN ${old}`).run();
  }

  #behindAPlace(which: ReturnType<typeof and>): KnownImage[] {
    const place = Math.floor(draw() * PLACES);
    const page = (part: ReturnType<typeof gte>) =>
      this.#db.select().from(knownImages).where(and(which, part)).orderBy(knownImages.place).limit(AT_ONCE).all();
    const behind = page(gte(knownImages.place, place));
    return behind.length === AT_ONCE ? behind : [...behind, ...page(lt(knownImages.place, place))];
  }

  #measuring(branch: string, target: string): number {
    const ofTarget = and(isMeasuring, eq(knownImages.branch, branch), eq(knownImages.target, target));
    return this.#db.select({ n: count() }).from(knownImages).where(ofTarget).get()?.n ?? 0;
  }
}
