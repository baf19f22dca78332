/**
 * Nodes as their operators' voices: who is there, how many there are, and whose word has been confirmed for long. A quorum counts
 * operators and networks, and a person with a thousand machines is one.
 */
import { and, countDistinct, eq, gt, inArray, min, sql, sum } from 'drizzle-orm';
import { fetchesFrom } from '../../../shared/trust/foreign-feeds.ts';
import type { Database } from '../database.ts';
import { nodes, votes } from '../schema.ts';
import { type Voice, Voices } from './voices.ts';

/** An operator whose machines are off at night is there all the same. */
const ACTIVE_MS = 24 * 3_600_000;
/** Each poll of a build that waits for others wants to know who is there. */
const KEPT_MS = 5_000;

export class Operators {
  readonly #db: Database;
  readonly #questions: ReturnType<typeof questionsOf>;
  readonly #voices: Voices;
  #kept = { at: Number.NEGATIVE_INFINITY, voices: [] as readonly Voice[], active: 0 };

  constructor(db: Database) {
    this.#db = db;
    this.#questions = questionsOf(db);
    this.#voices = new Voices(db);
  }

  /** Of volunteers, with a node that was there within a day. */
  active(now: number): number {
    return (
      this.#db
        .select({ n: countDistinct(nodes.operator) })
        .from(nodes)
        .where(isActiveVolunteer(now))
        .get()?.n ?? 0
    );
  }

  /** Those of them whose nodes fetch from all of these foreign feeds. */
  activeFor(urls: readonly string[], now: number): number {
    if (urls.length === 0) return this.active(now);
    const { operator, tier, feeds } = nodes;
    const mayFetch = this.#db
      .selectDistinct({ operator, tier, feeds })
      .from(nodes)
      // As text: there is an index of those alone that say something.
      .where(and(sql`${feeds} IS NOT NULL`, isActiveVolunteer(now)))
      .all()
      .filter((node) => fetchesFrom(node, urls));
    return new Set(mayFetch.map((node) => node.operator)).size;
  }

  /** What its volunteers have shown; nothing as long as one of its nodes is suspected. */
  record(operator: string): { readonly confirmedImages: number; readonly since: number } {
    const row = this.#questions.record.get({ operator });
    const isSuspected = Number(row?.suspected ?? 0) > 0;
    return {
      confirmedImages: isSuspected ? 0 : Number(row?.confirmedImages ?? 0),
      since: row?.since ?? Number.POSITIVE_INFINITY,
    };
  }

  /** Does its word stand on so many builds that are not decided yet? */
  hasUndecided(operator: string, many: number): boolean {
    return this.#questions.undecided.all({ operator, many }).length === many;
  }

  /** Active nodes that may come for a build. */
  here(now: number): readonly Voice[] {
    return this.#voices.here(now);
  }

  /** Who is there and how many there are, as of some seconds ago: for what is only told. */
  lately(now: number): { readonly voices: readonly Voice[]; readonly active: number } {
    if (Math.abs(now - this.#kept.at) >= KEPT_MS)
      this.#kept = { at: now, voices: this.here(now), active: this.active(now) };
    return this.#kept;
  }
}

const isActiveVolunteer = (now: number) =>
  and(gt(nodes.lastSeenAt, now - ACTIVE_MS), eq(nodes.state, 'active'), eq(nodes.tier, 'volunteer'));

const HEARD_OR_SUSPECTED = ['active', 'draining', 'quarantined'] as const;

/** Written once: see queue.ts. */
const questionsOf = (db: Database) => {
  const { operator, tier, state } = nodes;
  return {
    record: db
      .select({
        confirmedImages: sum(sql`iif(${state} IN ('active', 'draining'), ${nodes.images}, 0)`),
        since: min(nodes.joinedAt),
        suspected: sum(sql`${state} = 'quarantined'`),
      })
      .from(nodes)
      .where(and(eq(operator, sql.placeholder('operator')), eq(tier, 'volunteer'), inArray(state, HEARD_OR_SUSPECTED)))
      .prepare(),
    undecided: db
      .select({ at: votes.at })
      .from(votes)
      // As text: the index of open votes is used for this very text alone.
      .where(sql`${votes.operator} = ${sql.placeholder('operator')} AND ${votes.verdict} = 'open'`)
      .limit(sql.placeholder('many'))
      .prepare(),
  };
};
