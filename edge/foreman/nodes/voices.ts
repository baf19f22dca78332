/**
 * Active nodes that may come for a build. A question for work beside builds that others have begun is held against all of them, so they
 * are kept in memory, and of a thousand those alone are read that were heard of since. Whatever else changes of one is counted in the
 * tables (0022_kept_counts.sql): then, and by an object that has just woken, all are read anew.
 */
import { and, eq, gte, sql } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { meta, type NodeRow, nodes } from '../schema.ts';

/** A node heard of within this time may come for a build; it asks every 25 s. */
const COMES_MS = 45_000;

export type Voice = Pick<NodeRow, 'id' | 'operator' | 'network' | 'tier' | 'feeds'>;
type Heard = Voice & Pick<NodeRow, 'lastSeenAt'>;

export class Voices {
  readonly #questions: ReturnType<typeof questionsOf>;
  readonly #kept = new Map<string, Heard>();
  #changes: number | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** When that one was heard of that was the last one when it was asked. */
  #newest = Number.NEGATIVE_INFINITY;

  constructor(db: Database) {
    this.#questions = questionsOf(db);
  }

  here(now: number): readonly Voice[] {
    const first = now - COMES_MS + 1;
    const changes = this.#questions.changes.get()?.value ?? 0;
    // By a clock that was set back some are here again.
    if (changes !== this.#changes || now < this.#askedAt) {
      this.#kept.clear();
      this.#newest = first;
    }
    for (const voice of this.#questions.heard.all({ from: Math.max(first, this.#newest) })) {
      this.#kept.set(voice.id, voice);
      this.#newest = Math.max(this.#newest, voice.lastSeenAt);
    }
    for (const { id, lastSeenAt } of this.#kept.values()) if (lastSeenAt < first) this.#kept.delete(id);
    this.#changes = changes;
    this.#askedAt = now;
    return [...this.#kept.values()];
  }
}

/** Written once: see queue.ts. */
const questionsOf = (db: Database) => {
  const { id, operator, network, tier, feeds, state, lastSeenAt } = nodes;
  return {
    // Of the same millisecond too: in it others may be heard of after it was asked.
    heard: db
      .select({ id, operator, network, tier, feeds, lastSeenAt })
      .from(nodes)
      .where(and(gte(lastSeenAt, sql.placeholder('from')), eq(state, 'active')))
      .prepare(),
    changes: db.select({ value: meta.value }).from(meta).where(eq(meta.name, 'voice_changes')).prepare(),
  };
};
