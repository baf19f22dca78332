/**
 * What a node needs for itself and somebody else has at this moment, such as a port or its state directory: most often the process before
 * it, which still ends. So it is waited for a while, and said that it is.
 */
import { pause } from './backoff.ts';

export interface Waiting {
  readonly isTaken: (error: unknown) => boolean;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
  readonly patienceMs?: number;
}

const PATIENCE_MS = 30_000;
const AGAIN_MS = 500;

/** Tried once at least. @throws what `attempt` throws in the end; the signal's reason */
export async function onceFree<Result>(
  attempt: () => Result | Promise<Result>,
  { isTaken, signal, tell, patienceMs = PATIENCE_MS }: Waiting,
): Promise<Result> {
  const untilMs = performance.now() + patienceMs;
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTaken(error) || performance.now() >= untilMs) throw error;
      if (tries === 1) tell(`${(error as Error).message}; trying again for ${patienceMs / 1000} s`);
    }
    await pause(AGAIN_MS, signal);
    signal.throwIfAborted();
  }
}
