/** What a hit must not touch. A bench that quietly asks the Foreman, or KV each time, would praise the wrong thing. */
import type { BenchServer } from './bench-server.ts';

export interface Counters {
  /** Without the call that reads this very counter. */
  readonly foremanCalls: number;
  readonly resultReads: number;
  readonly catalogueReads: number;
  /** All of KV, those two among them. */
  readonly kvReads: number;
}

/** What reading the counters causes, and the batch of counts that an isolate tells once a minute. */
const OF_STATISTICS: readonly string[] = ['stats', 'statistics', 'counts'];

export const NO_COUNTS: Counters = { foremanCalls: 0, resultReads: 0, catalogueReads: 0, kvReads: 0 };

/** What was counted between two readings, and what was before. */
export function addCounts(sum: Counters, now: Counters, last: Counters): Counters {
  const added = (what: keyof Counters) => sum[what] + now[what] - last[what];
  return {
    foremanCalls: added('foremanCalls'),
    resultReads: added('resultReads'),
    catalogueReads: added('catalogueReads'),
    kvReads: added('kvReads'),
  };
}

export async function readCounters(server: BenchServer): Promise<Counters> {
  const metrics = await (await fetch(`${server.edgeUrl}/metrics`)).text();
  let foremanCalls = 0;
  for (const [, call, n] of metrics.matchAll(/^asu_foreman_calls_total\{call="(\w+)"\} (\d+)$/gm))
    if (!OF_STATISTICS.includes(call ?? '')) foremanCalls += Number(n);
  const answer = await fetch(`${server.controlUrl}/reads`);
  const { results, catalogue, others } = (await answer.json()) as Record<'results' | 'catalogue' | 'others', number>;
  return { foremanCalls, resultReads: results, catalogueReads: catalogue, kvReads: results + catalogue + others };
}
