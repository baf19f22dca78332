/**
 * Waits until nobody works any more: no node holds a lease, no request of an unfinished build is kept. What does not come to that is
 * not waited for much longer: the audit will say it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { storedNames } from '../evidence/stored-names.ts';
import { countOf } from './node-tables.ts';
import { NODES } from './plan.ts';
import { BUCKET, LEASE_SECONDS, type World } from './world.ts';

const LOOK_MS = 2_000;
const NO_PROGRESS_MS = 4 * 60_000;
/** A lease that its node has lost ends by itself; the alarm comes soon after. */
const LOST_LEASES_END_MS = (LEASE_SECONDS + 5) * 1_000;

export async function untilIdle(world: World, signal: AbortSignal): Promise<void> {
  let [least, lastProgressAt] = [Number.POSITIVE_INFINITY, Date.now()];
  while (!signal.aborted) {
    const left = NODES.map((name) => countOf(world.nodeDirectory(name), 'leases')).reduce((sum, n) => sum + n, 0);
    const kept = (await storedNames(world.s3, BUCKET, 'requests/')).length;
    if (left + kept === 0) break;
    if (left + kept < least) [least, lastProgressAt] = [left + kept, Date.now()];
    if (Date.now() - lastProgressAt > NO_PROGRESS_MS) return;
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  await sleep(LOST_LEASES_END_MS, undefined, { signal }).catch(() => undefined);
}
