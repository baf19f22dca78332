/**
 * How many of one turn stand before a build. A turn may be as long as the queue, so no more than its ends are counted: whoever is
 * near one of them has its exact place, and whoever is far from both as far between them as its place among all builds is. Where the
 * ends are is looked up once for many questions: nearly all who wait are in the middle of one long turn.
 */
import { type SQL, sql } from 'drizzle-orm';
import { unionAll } from 'drizzle-orm/sqlite-core';
import { type End, placeBetween } from '../../../shared/queue/place-between.ts';
import type { Database } from '../database.ts';
import { builds, isReady, WHOM } from '../schema.ts';
import type { Place } from './waiting-line.ts';

/** So many are counted at each end, of those that are for one kind of nodes. */
const COUNTED = 64;
/** Ends are looked up anew when so much of the turn has come or gone. */
const CHANGED = 1 / 32;
const TURNS_KEPT = 64;

interface Counted {
  readonly n: number;
  /** Sequence of the last one of the first list that was counted no further; null where all were counted whole. */
  readonly edge: number | null;
}

interface Edge extends Counted, End {}

interface Ends {
  readonly ofTurn: number;
  readonly front: Edge;
  readonly back: Edge;
}

export class PlaceInTurn {
  readonly #front: ReturnType<typeof frontOf>;
  readonly #back: ReturnType<typeof backOf>;
  readonly #position: (sequence: number) => number;
  readonly #ends = new Map<number, Ends>();

  /** `position`: of a sequence, among all that live. */
  constructor(db: Database, position: (sequence: number) => number) {
    this.#front = frontOf(db);
    this.#back = backOf(db);
    this.#position = position;
  }

  /** `ofTurn`: how many wait in it, this one among them. `position`: its own. */
  before({ turn, sequence }: Place, ofTurn: number, position: number): number {
    const others = ofTurn - 1;
    const { front, back } = this.#endsOf(turn, ofTurn);
    if (front.edge === null || sequence <= front.edge) return Math.min(others, this.#before(turn, sequence).n);
    if (back.edge === null || sequence >= back.edge) {
      const behind = this.#behind(turn, sequence);
      if (behind.edge === null) return Math.max(0, others - behind.n);
    }
    return placeBetween(others, front, back, position);
  }

  #endsOf(turn: number, ofTurn: number): Ends {
    const known = this.#ends.get(turn);
    if (known && Math.abs(ofTurn - known.ofTurn) <= known.ofTurn * CHANGED) return known;
    const ends = {
      ofTurn,
      front: this.#endOf(turn, this.#before(turn, Number.MAX_SAFE_INTEGER).edge, this.#before),
      back: this.#endOf(turn, this.#behind(turn, 0).edge, this.#behind),
    };
    // Those of a turn that has passed are never asked for again.
    if (this.#ends.size >= TURNS_KEPT) this.#ends.clear();
    this.#ends.set(turn, ends);
    return ends;
  }

  /** Up to where the first list was counted no further; of the others some were counted beyond. */
  #endOf(turn: number, edge: number | null, count: (turn: number, sequence: number) => Counted): Edge {
    return edge === null ? { edge, n: 0, at: 0 } : { edge, n: count(turn, edge).n, at: this.#position(edge) };
  }

  readonly #before = (turn: number, sequence: number) => countedOf(this.#front.all({ turn, sequence }), Math.min);

  readonly #behind = (turn: number, sequence: number) => countedOf(this.#back.all({ turn, sequence }), Math.max);
}

function countedOf(lists: readonly Counted[], first: (...edges: number[]) => number): Counted {
  const edges = lists.flatMap(({ n, edge }) => (n === COUNTED && edge !== null ? [edge] : []));
  return { n: lists.reduce((sum, { n }) => sum + n, 0), edge: edges.length === 0 ? null : first(...edges) };
}

/** For each kind of nodes apart, as the index has them: a list of all would have the whole turn sorted. Written once: see queue.ts. */
const listsOf = (db: Database, side: SQL, edge: SQL) => {
  const [first, second, ...more] = Object.values(WHOM).map((whom) =>
    db.select({ n: sql<number>`count(*)`, edge: sql<number | null>`${edge}` }).from(
      sql`(SELECT ${builds.sequence} AS at FROM ${builds}
        WHERE ${isReady} AND ${builds.whom} = ${sql.raw(String(whom))} AND ${builds.turn} = ${sql.placeholder('turn')}
          AND ${builds.sequence} ${side} LIMIT ${sql.raw(String(COUNTED))})`,
    ),
  );
  if (!first || !second) throw new Error('expected kinds of nodes');
  return unionAll(first, second, ...more).prepare();
};

const own = sql.placeholder('sequence');
const frontOf = (db: Database) => listsOf(db, sql`< ${own} ORDER BY ${builds.sequence}`, sql`max(at)`);
const backOf = (db: Database) => listsOf(db, sql`> ${own} ORDER BY ${builds.sequence} DESC`, sql`min(at)`);
