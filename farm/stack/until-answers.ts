/** An edge is up when `/healthz` tells its parts: a port that is open says nothing of what stands behind it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child-process.ts';

const START_PATIENCE_MS = 60_000;

/** `url` of the edge. @throws Error where it ended, or did not answer in time; it is not left running */
export async function untilAnswers(url: string, child: Child): Promise<void> {
  const until = Date.now() + START_PATIENCE_MS;
  while (Date.now() < until) {
    if (child.hasEnded) throw new Error(`the edge ended while starting (${await child.ended}); its last lines say why`);
    try {
      const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(10_000) });
      const body = (await response.json()) as { parts?: unknown };
      if (body.parts) return;
      throw new Error(JSON.stringify(body));
    } catch {
      await sleep(100);
    }
  }
  await child.kill();
  throw new Error(`the edge did not answer ${url}/healthz within ${START_PATIENCE_MS / 1000} s`);
}
