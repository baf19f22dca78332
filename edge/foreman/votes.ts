/** Votes about builds, one voice for each operator and build. They are kept: who said what is the evidence in a dispute. */
import { and, asc, eq, sql } from 'drizzle-orm';
import type { BuildErrorKind } from '../../shared/build-error.ts';
import type { Vote } from '../../shared/quorum.ts';
import type { Database } from './database.ts';
import { type NodeRow, type VoteRow, votes } from './schema.ts';

/** As text: the index of open votes is used for this very text alone. */
const isOpen = sql`${votes.verdict} = 'open'`;

export class Votes {
  readonly #db: Database;
  readonly #ofBuild: ReturnType<typeof votesOfBuild>;

  constructor(db: Database) {
    this.#db = db;
    this.#ofBuild = votesOfBuild(db);
  }

  /** An operator's first word counts, but that a trusted node's replaces a volunteer's: the latter decides nothing. */
  cast(requestHash: string, node: NodeRow, leaseId: string, verdict: Vote['verdict'], at: number): void {
    const vote = {
      nodeId: node.id,
      tier: node.tier,
      leaseId,
      outcome: verdict.outcome,
      kind: verdict.outcome === 'failure' ? verdict.kind : null,
      digest: verdict.outcome === 'image' ? verdict.digest : null,
      at,
      verdict: 'open',
    } as const;
    this.#db
      .insert(votes)
      .values({ requestHash, operator: node.operator, ...vote })
      .onConflictDoUpdate({
        target: [votes.requestHash, votes.operator],
        set: vote,
        setWhere: sql`${votes.tier} <> 'trusted' AND excluded.tier = 'trusted'`,
      })
      .run();
  }

  /**
   * The trusted votes about a build whose decided files were lost: they would decide it again at once, and of their
   * results nothing is left to publish.
   */
  removeDecisive(requestHash: string): void {
    this.#db
      .delete(votes)
      .where(and(eq(votes.requestHash, requestHash), eq(votes.tier, 'trusted')))
      .run();
  }

  /** What is found of it, once its build is decided. */
  judge({ requestHash, operator }: VoteRow, verdict: VoteRow['verdict']): void {
    this.#db
      .update(votes)
      .set({ verdict })
      .where(and(eq(votes.requestHash, requestHash), eq(votes.operator, operator)))
      .run();
  }

  /** The build ended without a decision: nobody was right or wrong. */
  close(requestHash: string): void {
    this.#db
      .update(votes)
      .set({ verdict: 'moot' })
      .where(and(eq(votes.requestHash, requestHash), isOpen))
      .run();
  }

  /** What a node that is not believed any more said of undecided builds. */
  removeOpen(nodeId: string): void {
    this.#db
      .delete(votes)
      .where(and(eq(votes.nodeId, nodeId), isOpen))
      .run();
  }

  remove({ requestHash, operator }: VoteRow): void {
    this.#db
      .delete(votes)
      .where(and(eq(votes.requestHash, requestHash), eq(votes.operator, operator)))
      .run();
  }

  /** In the order in which they came. */
  rowsOf(requestHash: string): VoteRow[] {
    return this.#ofBuild.all({ requestHash });
  }

  ofBuild(requestHash: string): Vote[] {
    return this.rowsOf(requestHash).map((row) => ({
      leaseId: row.leaseId,
      operator: row.operator,
      tier: row.tier,
      verdict:
        row.outcome === 'image'
          ? { outcome: 'image', digest: row.digest ?? '' }
          : { outcome: 'failure', kind: (row.kind satisfies BuildErrorKind | null) ?? 'internal' },
    }));
  }
}

/** Written once: see queue.ts. */
const votesOfBuild = (db: Database) =>
  db
    .select()
    .from(votes)
    .where(eq(votes.requestHash, sql.placeholder('requestHash')))
    .orderBy(asc(votes.at))
    .prepare();
