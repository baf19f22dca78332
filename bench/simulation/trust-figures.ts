/** From a day with volunteers to what is asked of trust: what it let through, whom it found, and what it costs. */
import type { Manner } from './conspiracy.ts';
import { TRUST } from './parameters.ts';
import type { Day } from './release-day.ts';
import { quantile } from './statistics.ts';

interface Spread {
  readonly p50: number;
  readonly p99: number;
}

export interface TrustFigures {
  readonly seed: number;
  readonly minutes: number;
  readonly nodes: number;
  readonly lyingNodes: number;
  readonly results: number;
  readonly wrongImages: number;
  readonly wrongFailures: number;
  /** Of what was published; and what it would be if each word came from a node drawn from all of them. */
  readonly wrongShare: number;
  readonly reckonedShare: number;
  /** Of the wrong ones, taken back, and how long it took. */
  readonly takenBack: number;
  readonly servedSeconds: Spread | null;
  /** Results that were taken back, wrong ones and right ones. */
  readonly withdrawn: number;
  /** Builds of what was published and of checks, for each result, less one. */
  readonly extraWork: number;
  /** Of them, checks. */
  readonly checks: number;
  readonly lies: number;
  /** Held against nothing by the end. */
  readonly liesUnseen: number;
  /** Nodes that lied, and of them, quarantined. */
  readonly liars: Readonly<Record<Manner, { readonly lied: number; readonly caught: number }>>;
  /** From its first lie on. */
  readonly toQuarantineSeconds: Spread | null;
  readonly honestQuarantined: number;
  readonly honestDrained: number;
  readonly waitSeconds: Spread;
  readonly processorSeconds: number;
}

const spread = (values: readonly number[]): Spread | null =>
  values.length === 0 ? null : { p50: quantile(values, 0.5) / 1000, p99: quantile(values, 0.99) / 1000 };

interface NodeEnd extends Record<string, SqlStorageValue> {
  readonly id: string;
  readonly operator: string;
  readonly state: string;
  readonly state_by: string;
  readonly state_since: number;
}

/** @throws Error of a day without a cast */
export function trustFiguresOf({ options, sql, cast, clients, nodes, processorSeconds }: Day): TrustFigures {
  if (!cast) throw new Error('expected a day with a cast');
  const { truth, lies, liars } = cast;
  const ends = sql.exec<NodeEnd>('SELECT id, operator, state, state_by, state_since FROM nodes').toArray();
  const firstLie = new Map<string, (typeof lies)[number]>();
  for (const lie of lies) if (!firstLie.has(lie.nodeId)) firstLie.set(lie.nodeId, lie);
  const caughtAt = new Map(ends.filter(({ state }) => state === 'quarantined').map((end) => [end.id, end.state_since]));
  const mannered = (manner: Manner) => {
    const lied = [...firstLie.values()].filter((lie) => lie.manner === manner);
    return { lied: lied.length, caught: lied.filter(({ nodeId }) => caughtAt.has(nodeId)).length };
  };
  const judged = judgedLeases(sql);
  const served = truth.wrong.flatMap(({ publishedAt, withdrawnAt }) =>
    withdrawnAt === null ? [] : withdrawnAt - publishedAt,
  );
  const honest = ends.filter(({ operator }) => !liars.has(operator) || lies.length === 0);
  const results = count(sql, `SELECT count(*) AS n FROM builds WHERE ${HAS_RESULT}`);
  const ofResults = count(
    sql,
    `SELECT count(*) AS n FROM leases WHERE ${IS_WORD} AND check_id IS NULL
       AND request_hash IN (SELECT request_hash FROM builds WHERE ${HAS_RESULT})`,
  );
  const checks = count(sql, `SELECT count(*) AS n FROM leases WHERE ${IS_WORD} AND check_id IS NOT NULL`);
  const [p50, p99] = [0.5, 0.99].map((share) => quantile(clients.waits, share) / 1000) as [number, number];
  return {
    seed: options.seed,
    minutes: options.minutes,
    nodes: nodes.length,
    lyingNodes: firstLie.size,
    results,
    wrongImages: truth.wrong.filter(({ says }) => says === 'image').length,
    wrongFailures: truth.wrong.filter(({ says }) => says === 'failure').length,
    wrongShare: truth.wrong.length / Math.max(1, truth.published),
    reckonedShare: lies.length === 0 ? 0 : TRUST.lying ** cast.quorum,
    takenBack: served.length,
    servedSeconds: spread(served),
    withdrawn: truth.withdrawn.size,
    extraWork: (ofResults + checks) / Math.max(1, results) - 1,
    checks,
    lies: lies.length,
    liesUnseen: lies.filter(({ leaseId }) => !judged.has(leaseId)).length,
    liars: { always: mannered('always'), seldom: mannered('seldom'), careful: mannered('careful') },
    toQuarantineSeconds: spread(
      [...firstLie.values()].flatMap(({ nodeId, at }) => {
        const caught = caughtAt.get(nodeId);
        return caught === undefined ? [] : caught - at;
      }),
    ),
    honestQuarantined: honest.filter(({ state }) => state === 'quarantined').length,
    honestDrained: honest.filter(({ state, state_by }) => state === 'draining' && state_by === 'foreman').length,
    waitSeconds: { p50, p99 },
    processorSeconds,
  };
}

const HAS_RESULT = "state = 'done' OR (state = 'failed' AND failure ->> 'kind' = 'image_too_big')";
const IS_WORD = "(end_reason = 'image reported' OR end_reason LIKE 'failed: %')";

const count = (sql: SqlStorage, query: string): number => sql.exec<{ n: number }>(query).toArray()[0]?.n ?? 0;

/** Leases whose word was held against another one. */
function judgedLeases(sql: SqlStorage): ReadonlySet<string> {
  const rows = sql
    .exec<{ id: string }>(
      `SELECT lease_id AS id FROM votes WHERE verdict IN ('right', 'wrong', 'withdrawn')
       UNION SELECT id FROM leases WHERE check_id IS NOT NULL AND ${IS_WORD}`,
    )
    .toArray();
  return new Set(rows.map(({ id }) => id));
}
