/**
 * Asks again until it works, for as long as somebody wants to wait: later each time and never in step with others, and not
 * before the server wants to be asked. Servers are restarted and networks go away for a minute while an image is built; none of
 * that is an end, but whoever waits is told what for.
 */
import { backoffMs, pause } from '../backoff.ts';
import { NotNow } from './faults.ts';

export interface Waiting {
  readonly reason: string;
  readonly waitMs: number;
}

export interface PatienceOptions {
  /** From the first failure in a row. */
  readonly patienceMs: number;
  readonly onWait: (waiting: Waiting) => void;
}

export class Patience {
  readonly #options: PatienceOptions;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** @throws NotNow where patience has ended; whatever else `attempt` throws; the signal's reason */
  async persist<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { patienceMs, onWait } = this.#options;
    let failures = 0;
    let endMs = 0;
    for (;;) {
      signal.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof NotNow)) throw error;
        if (failures === 0 || error.hasProgressed) {
          failures = 0;
          endMs = performance.now() + patienceMs;
        }
        failures += 1;
        const waitMs = Math.max(asked(error.retryAfterMs), backoffMs(failures, Math.random()));
        if (performance.now() + waitMs > endMs) throw gaveUp(error, waitMs);
        onWait({ reason: error.message, waitMs });
        await pause(waitMs, signal);
      }
    }
  }
}

/** All who were sent away in one moment would else come back in one. */
const asked = (retryAfterMs: number): number => Math.round(retryAfterMs * (1 + Math.random() / 4));

const gaveUp = (error: NotNow, waitMs: number): NotNow =>
  error.retryAfterMs > 0
    ? new NotNow(`${error.message} (it wants to be asked again in ${Math.ceil(waitMs / 1000)} s)`)
    : error;
