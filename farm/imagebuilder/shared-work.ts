/**
 * One piece of work for all who want its result at the same time. Two builds that need the same ImageBuilder must not
 * download it twice; and one of them that is called off must not take the download from the other. The work is called off
 * when the last one has left.
 */
import { unlessAborted } from '../unless-aborted.ts';

export interface Joiner<Progress> {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

interface Running<Progress, Result> {
  readonly controller: AbortController;
  readonly joiners: Set<Joiner<Progress>>;
  readonly result: Promise<Result>;
  latest: Progress | undefined;
}

export class SharedWork<Progress, Result> {
  readonly #running = new Map<string, Running<Progress, Result>>();

  /** Joins what runs under `key`, or starts it. Rejects with the joiner's own abort reason when that one leaves. */
  async join(
    key: string,
    joiner: Joiner<Progress>,
    start: (signal: AbortSignal, report: (progress: Progress) => void) => Promise<Result>,
  ): Promise<Result> {
    for (;;) {
      joiner.signal.throwIfAborted();
      const running = this.#running.get(key) ?? this.#start(key, start);
      if (!running.controller.signal.aborted) return await this.#wait(running, joiner);
      // Called off, but still tidying up after itself: its files are not ours before it has ended.
      await unlessAborted(() => running.result.catch(() => undefined), joiner.signal);
    }
  }

  #start(
    key: string,
    start: (signal: AbortSignal, report: (progress: Progress) => void) => Promise<Result>,
  ): Running<Progress, Result> {
    const controller = new AbortController();
    const joiners = new Set<Joiner<Progress>>();
    const report = (progress: Progress) => {
      running.latest = progress;
      for (const joiner of joiners) joiner.onProgress(progress);
    };
    const result = Promise.resolve()
      .then(() => start(controller.signal, report))
      .finally(() => this.#running.delete(key));
    const running: Running<Progress, Result> = { controller, joiners, result, latest: undefined };
    this.#running.set(key, running);
    return running;
  }

  async #wait(running: Running<Progress, Result>, joiner: Joiner<Progress>): Promise<Result> {
    running.joiners.add(joiner);
    if (running.latest !== undefined) joiner.onProgress(running.latest);
    try {
      return await unlessAborted(() => running.result, joiner.signal);
    } finally {
      running.joiners.delete(joiner);
      if (running.joiners.size === 0) running.controller.abort(joiner.signal.reason);
    }
  }
}
