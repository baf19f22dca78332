/**
 * The builds that this node is at: each from its order to its last word, no more at once than there are slots. An order is written
 * down before it is begun, and its last word before its slot is free, so that a node that dies knows what it owes.
 */
import { type BuildOrder, BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { BuildNews } from '../server/build-news.ts';
import type { Built } from './built.ts';
import { type Fulfilled, type FulfilOptions, fulfil, fulfilBuilt, type Running, textOf } from './fulfil-order.ts';
import type { Outbox } from './outbox.ts';

export interface RunningBuildsOptions extends Omit<FulfilOptions, 'onNewStep' | 'onBuilt' | 'numbered' | 'isLatest'> {
  readonly outbox: Outbox;
  readonly slots: number;
  /** A build has ended; `isTold`: the edge knows. What builds are at waits for the next regular report. */
  readonly onEnd: (isTold: boolean) => void;
}

type Work = (running: Running, options: FulfilOptions) => Promise<Fulfilled>;

export class RunningBuilds {
  readonly news: BuildNews;
  readonly #options: RunningBuildsOptions;
  readonly #running = new Map<string, Running>();
  readonly #tasks = new Set<Promise<void>>();
  #slotFree = Promise.withResolvers<void>();
  #ownFaults = 0;

  constructor(options: RunningBuildsOptions) {
    this.#options = options;
    this.news = new BuildNews(options.reportMs);
  }

  get size(): number {
    return this.#running.size;
  }

  get isFull(): boolean {
    return this.#running.size >= this.#options.slots;
  }

  /** Also while the last one is being tidied up. */
  get isIdle(): boolean {
    return this.#tasks.size === 0;
  }

  /** Builds in a row that failed by the fault of this machine. */
  get ownFaults(): number {
    return this.#ownFaults;
  }

  /** By lease. */
  get all(): ReadonlyMap<string, Running> {
    return this.#running;
  }

  /** @throws Error where it cannot be written down: then it is not begun */
  begin(order: BuildOrder, logPermit: string): void {
    this.#options.outbox.take(order.leaseId, order.requestHash, Date.now());
    this.#start(order.leaseId, logPermit, (running, options) => fulfil(order, running, options));
  }

  /** Goes on with what an earlier process has built. */
  takeUp(leaseId: string, built: Built): void {
    this.#start(leaseId, '', (running, options) => fulfilBuilt(leaseId, built, running, options));
  }

  #start(leaseId: string, logPermit: string, work: Work): void {
    const task = this.#work(leaseId, logPermit, work)
      .catch((error) => {
        this.#options.log(`lease ${leaseId} could not be tidied up: ${textOf(error)}`, { lease: leaseId });
        return false;
      })
      .then((isTold) => {
        this.#running.delete(leaseId);
        this.#tasks.delete(task);
        this.#slotFree.resolve();
        this.#options.onEnd(isTold);
      });
    this.#tasks.add(task);
  }

  /** Nothing where it does not run. */
  stop(leaseId: string, reason: string): void {
    this.#running.get(leaseId)?.stop.abort(new Error(reason));
  }

  /** Stops all of them; resolves when they are tidied up. */
  async stopAll(reason: string): Promise<void> {
    for (const leaseId of this.#running.keys()) this.stop(leaseId, reason);
    await Promise.allSettled(this.#tasks);
  }

  /** When the next one ends. */
  async oneEnds(): Promise<void> {
    this.#slotFree = Promise.withResolvers();
    await this.#slotFree.promise;
  }

  /** Whether the edge has heard the last word. */
  async #work(leaseId: string, logPermit: string, work: Work): Promise<boolean> {
    const { outbox, workshop } = this.#options;
    const stop = new AbortController();
    const running: Running = { stop, logPermit, lastWord: null, step: BuildStep.INIT, bytesDone: 0, bytesTotal: 0 };
    this.#running.set(leaseId, running);
    this.news.begin(leaseId, running);
    const {
      lastWord,
      isTold = false,
      isOwnFault,
    } = await work(running, {
      ...this.#options,
      onNewStep: () => this.news.stepped(leaseId),
      onBuilt: (of, built) => outbox.keepBuilt(of, built),
      numbered: (of, event) => outbox.progress(of, event),
      isLatest: (report) => outbox.isLatest(report),
    });
    if (isOwnFault !== null) this.#ownFaults = isOwnFault ? this.#ownFaults + 1 : 0;
    try {
      if (isTold) outbox.forget(leaseId);
      else outbox.finish(leaseId, lastWord);
    } finally {
      this.news.end(leaseId, lastWord);
      await workshop.removeWorkspace(leaseId);
    }
    return isTold;
  }
}
