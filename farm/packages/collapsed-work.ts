/**
 * One fetch for all builds that want the same at the same time, counted. What a build that gives up would have taken from the
 * others goes on for them.
 */
import { SharedWork } from '../imagebuilder/shared-work.ts';
import type { ProxyCounters } from './proxy-counters.ts';

export class CollapsedWork<Result> {
  readonly #work = new SharedWork<never, Result>();
  readonly #counters: ProxyCounters;

  constructor(counters: ProxyCounters) {
    this.#counters = counters;
  }

  /** Rejects with the signal's reason when this one gives up; `work` is given up when all have. */
  async run(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    let isOurs = false;
    const result = await this.#work.join(key, { signal, onProgress: () => {} }, async (shared) => {
      isOurs = true;
      return await work(shared);
    });
    if (!isOurs) this.#counters.collapsed++;
    return result;
  }
}
