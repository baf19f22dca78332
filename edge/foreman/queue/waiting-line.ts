/**
 * Who stands where in the queue: turn by turn between clients, first come first served within a turn, and behind all of them what
 * nobody has asked for yet. Asked at each poll and for each lease: nothing here may count or sort what waits.
 */
import { and, asc, eq, gte, lt, sql } from 'drizzle-orm';
import { PREBUILD_TURN } from '../../../shared/queue/turn.ts';
import type { Database } from '../database.ts';
import { type BuildRow, builds, isReady, WHOM, type Whom } from '../schema.ts';
import { PlaceInTurn } from './place-in-turn.ts';
import type { Ranks } from './ranks.ts';

/** A build's place between the others that wait. */
export type Place = Pick<BuildRow, 'turn' | 'sequence'>;

/** What is wanted of a build before it is tried; a whole row holds lists of packages, which take longer to read. */
export type Candidate = Place & Pick<BuildRow, 'requestHash' | 'imageBuilder' | 'enqueuedAt'>;

/** What somebody asked for, or what is built before anybody does. */
export type QueueClass = 'asked for' | 'prebuilds';

/** Postponed builds that come back to the queue at one question for work. */
const RESUMED_AT_ONCE = 256;

export class WaitingLine {
  readonly #db: Database;
  readonly #ranks: Ranks;
  readonly #placeInTurn: PlaceInTurn;

  constructor(db: Database, ranks: Ranks) {
    this.#db = db;
    this.#ranks = ranks;
    this.#placeInTurn = new PlaceInTurn(db, (sequence) => this.position({ sequence }));
  }

  /**
   * Builds for these that may be leased now, whose turn comes first first; those of the postponed that are due are among them.
   * `behind`: where the last page ended.
   */
  candidates(
    now: number,
    whom: readonly Whom[],
    limit: number,
    behind?: Place,
    queueClass: QueueClass = 'asked for',
  ): Candidate[] {
    if (!behind) this.#resume(now);
    const { sequence, requestHash: hash, turn, imageBuilder, enqueuedAt } = builds;
    const page = (each: Whom) =>
      this.#db
        .select({ sequence, requestHash: hash, turn, imageBuilder, enqueuedAt })
        .from(builds)
        .where(
          and(
            isReady,
            eq(builds.whom, each),
            queueClass === 'asked for' ? lt(builds.turn, PREBUILD_TURN) : gte(builds.turn, PREBUILD_TURN),
            behind && sql`(${builds.turn}, ${builds.sequence}) > (${behind.turn}, ${behind.sequence})`,
          ),
        )
        .orderBy(asc(builds.turn), asc(builds.sequence))
        .limit(limit)
        .all();
    return whom.flatMap(page).sort(byPlace).slice(0, limit);
  }

  /** Unfinished builds accepted earlier: it can only shrink. */
  position(build: Pick<BuildRow, 'sequence'>): number {
    return this.#ranks.before('live', build.sequence);
  }

  /**
   * Waiting builds whose turn is before this one's, or that came before it in the same; in the middle of a very long turn, about
   * so many. `position`: its own, where that is known.
   */
  ahead(build: Place, position = this.position(build)): number {
    const ofTurn = this.#ranks.at('queued', build.turn);
    const inTurn = ofTurn > 1 ? this.#placeInTurn.before(build, ofTurn, position) : 0;
    return this.#ranks.before('queued', build.turn) + inTurn;
  }

  /** Of the build whose turn is next; nobody waits much longer. */
  longestWaitMs(now: number): number {
    const [first] = this.candidates(now, Object.values(WHOM), 1);
    return first === undefined ? 0 : now - first.enqueuedAt;
  }

  /** Some of those that nobody has asked for yet. */
  prebuilds(limit: number): BuildRow[] {
    return Object.values(WHOM).flatMap((whom) =>
      this.#db
        .select()
        .from(builds)
        .where(and(isReady, eq(builds.whom, whom), gte(builds.turn, PREBUILD_TURN)))
        .limit(limit)
        .all(),
    );
  }

  /** Some of those that are due: after an hour without upstream they are the whole queue, and the next node asks soon. */
  #resume(now: number): void {
    const due = sql`(SELECT ${builds.requestHash} FROM ${builds}
      WHERE ${builds.state} = 'queued' AND ${builds.notBefore} > 0 AND ${builds.notBefore} <= ${now} LIMIT ${RESUMED_AT_ONCE})`;
    this.#db.update(builds).set({ notBefore: 0 }).where(sql`${builds.requestHash} IN ${due}`).run();
  }
}

const byPlace = (one: Place, other: Place): number => one.turn - other.turn || one.sequence - other.sequence;
