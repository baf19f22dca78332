/** An edge is up when `/healthz` tells its parts: a port that is open says nothing of what stands behind it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child-process.ts';

const START_PATIENCE_MS = 60_000;
const ANSWER_PATIENCE_MS = 10_000;
const AGAIN_MS = 100;

/** `url` of the edge. @throws Error where it ended, or did not answer in time; it is not left running */
export async function untilAnswers(url: string, child: Child): Promise<void> {
  const until = Date.now() + START_PATIENCE_MS;
  while (Date.now() < until) {
    if (child.hasEnded) throw new Error(`the edge ended while starting (${await child.ended}); its last lines say why`);
    if ((await partsOf(url)) !== null) return;
    await sleep(AGAIN_MS);
  }
  await child.kill();
  throw new Error(`the edge did not answer ${url}/healthz within ${START_PATIENCE_MS / 1000} s`);
}

/** Whether a node has joined the edge by then, or before `signal`; one answer that does not come is no answer yet. */
export async function untilNodePresent(url: string, withinMs: number, signal?: AbortSignal): Promise<boolean> {
  const until = Date.now() + withinMs;
  while (Date.now() < until && !signal?.aborted) {
    if (((await partsOf(url))?.nodes?.present ?? 0) > 0) return true;
    await sleep(AGAIN_MS);
  }
  return false;
}

interface Parts {
  readonly nodes?: { readonly present?: number };
}

/** Null where it does not tell them. */
async function partsOf(url: string): Promise<Parts | null> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(ANSWER_PATIENCE_MS) });
    const { parts } = (await response.json()) as { readonly parts?: Parts };
    return parts ?? null;
  } catch {
    return null;
  }
}
