/** Votes about builds, one voice for each operator and build. They are kept: who said what is the evidence in a dispute. */
import { and, asc, eq, gt, ne, sql } from 'drizzle-orm';
import type { BuildErrorKind } from '../../../shared/build/build-error.ts';
import type { Vote } from '../../../shared/trust/quorum.ts';
import type { Database } from '../database.ts';
import { type NodeRow, type VoteRow, votes } from '../schema.ts';

/** As text: the index of open votes is used for this very text alone. */
const isOpen = sql`${votes.verdict} = 'open'`;

/** `saidDigest`: of a failure's words. */
export interface Said {
  readonly verdict: Vote['verdict'];
  readonly saidDigest?: string;
}

export class Votes {
  readonly #db: Database;
  readonly #ofBuild: ReturnType<typeof votesOfBuild>;

  constructor(db: Database) {
    this.#db = db;
    this.#ofBuild = votesOfBuild(db);
  }

  /**
   * An operator's first word counts, but that a trusted node's replaces a volunteer's, which decides less (cast-vote.ts), and that a
   * word that is moot, such as one about inputs that nobody builds any more (`closeOthers`), gives way to one that is worth as much.
   */
  cast(
    requestHash: string,
    node: NodeRow,
    lease: { readonly id: string; readonly inputs: string },
    said: Said,
    at: number,
  ): void {
    const { verdict } = said;
    const vote = {
      nodeId: node.id,
      tier: node.tier,
      leaseId: lease.id,
      network: node.network,
      inputs: lease.inputs,
      outcome: verdict.outcome,
      kind: verdict.outcome === 'failure' ? verdict.kind : null,
      digest: verdict.outcome === 'image' ? verdict.digest : (said.saidDigest ?? null),
      at,
      verdict: 'open',
    } as const;
    this.#db
      .insert(votes)
      .values({ requestHash, operator: node.operator, ...vote })
      .onConflictDoUpdate({
        target: [votes.requestHash, votes.operator],
        set: vote,
        setWhere: and(
          sql`(${votes.tier} <> 'trusted' OR excluded.tier = 'trusted')`,
          sql`(${votes.tier} <> excluded.tier OR ${votes.verdict} = 'moot')`,
        ),
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

  /**
   * It is built of other inputs from now on: what was said about the old ones decides nothing any more, and is no fault. True where
   * something was.
   */
  closeOthers(requestHash: string, inputs: string): boolean {
    const closed = this.#db
      .update(votes)
      .set({ verdict: 'moot' })
      .where(and(eq(votes.requestHash, requestHash), isOpen, ne(votes.inputs, inputs)))
      .returning({ operator: votes.operator })
      .all();
    return closed.length > 0;
  }

  /** Those that were cast by a clock that was ahead are as of now. */
  castAhead(now: number): void {
    this.#db
      .update(votes)
      .set({ at: now })
      .where(and(isOpen, gt(votes.at, now)))
      .run();
  }

  /** Has anything ever been said about it? */
  areThere(requestHash: string): boolean {
    return (
      this.#db.select({ at: votes.at }).from(votes).where(eq(votes.requestHash, requestHash)).limit(1).get() !==
      undefined
    );
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

  /** Do these tell what they say in the same words? */
  sayTheSameWords(requestHash: string, attesters: readonly Pick<Vote, 'operator'>[]): boolean {
    const rows = this.rowsOf(requestHash).filter((row) => attesters.some(({ operator }) => operator === row.operator));
    return rows.every(({ digest }) => digest === rows[0]?.digest);
  }

  /** Those that may decide still, in the order in which they came. */
  ofBuild(requestHash: string): VoteUnweighed[] {
    return this.rowsOf(requestHash)
      .filter(({ verdict }) => verdict === 'open')
      .map(asVote);
  }
}

/** Without what its operator's record adds to it. */
export type VoteUnweighed = Omit<Vote, 'isProven'> & { readonly at: number };

export const asVote = ({ leaseId, operator, network, tier, inputs, at, ...row }: VoteRow): VoteUnweighed => ({
  leaseId,
  operator,
  network,
  tier,
  inputs,
  at,
  verdict:
    row.outcome === 'image'
      ? { outcome: 'image', digest: row.digest ?? '' }
      : { outcome: 'failure', kind: (row.kind satisfies BuildErrorKind | null) ?? 'internal' },
});

/** Written once: see queue.ts. */
const votesOfBuild = (db: Database) =>
  db
    .select()
    .from(votes)
    .where(eq(votes.requestHash, sql.placeholder('requestHash')))
    .orderBy(asc(votes.at))
    .prepare();
