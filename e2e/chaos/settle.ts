/** After the storm: every accepted build must end, and whoever still waits must be served. Limited by progress, not by a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from './ledger.ts';
import { keyOf } from './wishes.ts';

const LOOK_MS = 2_000;
/** Nothing at all has ended for so long: it will not. */
const NO_PROGRESS_MS = 5 * 60_000;

export interface Settling {
  readonly serverUrl: string;
  readonly ledger: Ledger;
  /** Visitors that still wait. */
  readonly waiting: () => number;
}

export type BuildEnd = 'image' | 'failure';

/** Builds that ended, by their hash. The ledger is told of what never does. */
export async function settle(
  { serverUrl, ledger, waiting }: Settling,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, BuildEnd>> {
  const ended = new Map<string, BuildEnd>();
  let [lastState, lastProgressAt] = ['', Date.now()];
  while (!signal.aborted) {
    for (const hash of [...ledger.accepted.keys()].filter((one) => !ended.has(one))) {
      const end = await endOf(`${serverUrl}/api/v1/build/${hash}`, signal);
      if (end !== undefined) ended.set(hash, end);
    }
    const open = [...ledger.accepted].filter(([hash]) => !ended.has(hash));
    if (open.length === 0 && waiting() === 0) break;
    const state = `${ended.size} ${waiting()}`;
    if (state !== lastState) [lastState, lastProgressAt] = [state, Date.now()];
    if (Date.now() - lastProgressAt > NO_PROGRESS_MS) {
      for (const [hash, wish] of open) ledger.wrong(`never ended: ${hash.slice(0, 12)} (${keyOf(wish)})`);
      if (waiting() > 0) ledger.wrong(`${waiting()} visitors were never served`);
      break;
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return ended;
}

/** Undefined: not yet, or there is no telling. */
async function endOf(url: string, signal: AbortSignal): Promise<BuildEnd | undefined> {
  try {
    const answer = await fetch(url, { signal });
    const { imagebuilder_status: step } = (await answer.json()) as { imagebuilder_status?: string };
    if (answer.status === 200) return 'image';
    return answer.status === 500 && step === 'failed' ? 'failure' : undefined;
  } catch {
    return undefined;
  }
}
