/**
 * Where this node's builds are, for whoever watches. A watcher has no queue of its own: it reads the newest word when it is
 * ready for one. So a reader that is slow, or there a thousand times, takes no memory, and one that leaves leaves nothing.
 */
import type { LeaseReport } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import type { Running } from '../agent/fulfil-order.ts';
import { progressReport } from '../agent/node-report.ts';

type Word = LeaseReport['event'];

interface Watched {
  readonly running: Running;
  end: Word | null;
  changed: PromiseWithResolvers<void>;
}

/** Builds that ended and are still told of; the word of one has at most some 100 KiB. */
const MAX_ENDED = 64;

export class BuildNews {
  readonly #builds = new Map<string, Watched>();
  #ended: string[] = [];
  readonly #paceMs: number;

  /** @param paceMs between two looks at how many bytes were moved; steps are told at once */
  constructor(paceMs: number) {
    this.#paceMs = paceMs;
  }

  has(leaseId: string): boolean {
    return this.#builds.has(leaseId);
  }

  begin(leaseId: string, running: Running): void {
    this.#ended = this.#ended.filter((ended) => ended !== leaseId);
    this.#builds.set(leaseId, { running, end: null, changed: Promise.withResolvers() });
  }

  stepped(leaseId: string): void {
    const build = this.#builds.get(leaseId);
    build?.changed.resolve();
    if (build) build.changed = Promise.withResolvers();
  }

  end(leaseId: string, word: Word): void {
    const build = this.#builds.get(leaseId);
    if (!build || build.end) return;
    build.end = word;
    build.changed.resolve();
    this.#ended.push(leaseId);
    if (this.#ended.length > MAX_ENDED) this.#builds.delete(this.#ended.shift() ?? '');
  }

  /** Until the end, which is the last word. Nothing for a lease that is not known. @throws the signal's reason */
  async *watch(leaseId: string, signal: AbortSignal): AsyncGenerator<Word, void, undefined> {
    const build = this.#builds.get(leaseId);
    if (!build) return;
    for (let told = ''; build.end === null; ) {
      signal.throwIfAborted();
      const { step, bytesDone, bytesTotal } = build.running;
      const now = `${step} ${bytesDone} ${bytesTotal}`;
      const { changed } = build;
      if (now !== told) yield progressReport(build.running);
      told = now;
      if (build.end === null) await soon(changed.promise, this.#paceMs, signal);
    }
    yield build.end;
  }
}

/** When it is resolved, the time is over or the signal aborts, whichever is first; no timer and no listener stays. */
async function soon(promise: Promise<void>, timeMs: number, signal: AbortSignal): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeMs);
  const leave = () => resolve();
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) resolve();
  await Promise.race([promise, over]);
  clearTimeout(timer);
  signal.removeEventListener('abort', leave);
}
