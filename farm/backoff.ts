/** Waiting longer after each failure, with jitter, so that a thousand nodes do not come back in one second. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds before try `failures + 1`: half fixed, half random. */
export const backoffMs = (failures: number, random: number, firstMs = 500, mostMs = 30_000): number => {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 20));
  return Math.round(full / 2 + (full / 2) * random);
};

/** Resolves early, without an error, when `signal` aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
