/** What a hit must not touch. A bench that quietly asks the Foreman, or KV each time, would praise the wrong thing. */
import type { BenchServer } from './bench-server.ts';

export interface Counters {
  /** Without the call that reads this very counter. */
  readonly foremanCalls: number;
  readonly kvReads: number;
}

/** What reading the counters causes, and the batch of counts that an isolate tells once a minute. */
const OF_STATISTICS: readonly string[] = ['stats', 'statistics', 'counts'];

export async function readCounters(server: BenchServer): Promise<Counters> {
  const metrics = await (await fetch(`${server.edgeUrl}/metrics`)).text();
  let foremanCalls = 0;
  for (const [, call, n] of metrics.matchAll(/^asu_foreman_calls_total\{call="(\w+)"\} (\d+)$/gm))
    if (!OF_STATISTICS.includes(call ?? '')) foremanCalls += Number(n);
  const { reads } = (await (await fetch(`${server.controlUrl}/reads`)).json()) as { reads: number };
  return { foremanCalls, kvReads: reads };
}
