/** Which targets are reproducible, as far as this farm has seen it; the rule is shared/trust/reproducibility.ts. */
import { and, asc, eq, sql } from 'drizzle-orm';
import type { TrustPolicy } from '../../../shared/trust/policy.ts';
import { branchOf, isReproducible, NOTHING_MEASURED, type Tally } from '../../../shared/trust/reproducibility.ts';
import type { Database } from '../database.ts';
import { measurers, type ReproducibilityRow, reproducibility } from '../schema.ts';

/** Branches times targets are some hundred. */
const MAX_LISTED = 2_000;

export type MeasuredTarget = ReproducibilityRow & { readonly isReproducible: boolean };

export class Reproducibility {
  readonly #db: Database;
  readonly #ofTarget: ReturnType<typeof tallyOfTarget>;

  constructor(db: Database) {
    this.#db = db;
    this.#ofTarget = tallyOfTarget(db);
  }

  of(version: string, target: string): Tally {
    return this.#ofTarget.get({ branch: branchOf(version), target }) ?? NOTHING_MEASURED;
  }

  /** Is it known that machines agree on this target? */
  isKnown(version: string, target: string, policy: TrustPolicy): boolean {
    return isReproducible(version, target, this.of(version, target), policy);
  }

  note(version: string, target: string, what: keyof Tally, now: number): void {
    this.#db
      .insert(reproducibility)
      .values({ branch: branchOf(version), target, [what]: 1, lastAt: now })
      .onConflictDoUpdate({
        target: [reproducibility.branch, reproducibility.target],
        set: { [what]: sql`${reproducibility[what]} + 1`, lastAt: now },
      })
      .run();
  }

  /** Was this operator heard about it? */
  isHeard(version: string, target: string, operator: string): boolean {
    const { branch, target: of, operator: by } = measurers;
    const isThis = and(eq(branch, branchOf(version)), eq(of, target), eq(by, operator));
    return this.#db.select({ by }).from(measurers).where(isThis).get() !== undefined;
  }

  /**
   * True where it is heard for the first time. For checks: who downloads the published image and says that it is his own could else
   * open a target by himself, and who says another one each time could have trusted nodes build for ever.
   */
  hear(version: string, target: string, operator: string): boolean {
    const row = { branch: branchOf(version), target, operator };
    return this.#db.insert(measurers).values(row).onConflictDoNothing().returning().get() !== undefined;
  }

  all(policy: TrustPolicy): MeasuredTarget[] {
    const rows = this.#db
      .select()
      .from(reproducibility)
      .orderBy(asc(reproducibility.branch), asc(reproducibility.target))
      .limit(MAX_LISTED)
      .all();
    return rows.map((row) => ({ ...row, isReproducible: isReproducible(row.branch, row.target, row, policy) }));
  }
}

/** Written once, since each poll of a build that waits asks it: see queue.ts. */
const tallyOfTarget = (db: Database) =>
  db
    .select()
    .from(reproducibility)
    .where(
      and(eq(reproducibility.branch, sql.placeholder('branch')), eq(reproducibility.target, sql.placeholder('target'))),
    )
    .prepare();
