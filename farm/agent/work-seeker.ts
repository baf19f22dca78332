/** Asks for work, as long as there is a free slot and room on the disk, and says when it takes no more. */
import { randomUUID } from 'node:crypto';
import type { SignedBuildOrder } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { FARM_PROTOCOL } from '../../shared/node/farm-protocol.ts';
import { SERVER_VERSION } from '../../shared/server-version.ts';
import { backoffMs, pause } from '../backoff.ts';
import { unlessAborted } from '../unless-aborted.ts';
import type { AgentOptions } from './agent.ts';
import { complain, isWorthSayingAgain } from './ever-rarer.ts';
import { HeardStanding } from './heard-standing.ts';
import type { RunningBuilds } from './running-builds.ts';

const LEASE_WAIT_SECONDS = 25;
/** The wait itself, and time for the answer to travel. */
const LEASE_TIMEOUT_MS = 40_000;
/** The edge is told that the node stops; one that hangs finds it out by itself. */
const FAREWELL_MS = 3_000;
/** Between two looks at a full disk. */
const FULL_MS = 30_000;
/** As many ImageBuilders are told to the edge. */
const MAX_HELD = 64;

/** What becomes of the answers. */
export interface Work {
  readonly builds: Pick<RunningBuilds, 'isFull' | 'oneEnds'>;
  /** In a row, by this machine's own fault. */
  readonly setbacks: () => number;
  /** @throws Error for one that is not to be taken to heart: it is asked for again */
  readonly accept: (order: SignedBuildOrder) => Promise<void>;
  readonly refuse: (order: SignedBuildOrder) => Promise<void>;
}

export class WorkSeeker {
  readonly #options: Pick<AgentOptions, 'client' | 'clock' | 'disk' | 'foreignFeeds' | 'log' | 'slots' | 'workshop'>;
  readonly #work: Work;
  readonly #standing: HeardStanding;
  #fullTimes = 0;
  #clockFault: string | null = null;

  constructor(options: AgentOptions, work: Work) {
    this.#options = options;
    this.#work = work;
    this.#standing = new HeardStanding(options.log);
  }

  /** Returns when `signal` has aborted and the edge knows. */
  async seekUntil(signal: AbortSignal): Promise<void> {
    let key = randomUUID();
    for (let failures = 0; !signal.aborted; ) {
      if (this.#work.builds.isFull) {
        await unlessAborted(() => this.#work.builds.oneEnds(), signal).catch(() => undefined);
        continue;
      }
      if (!(await this.#hasRoom(signal))) continue;
      // A machine that lacks something fails within moments, and would be the first to take the next build, and the next.
      const setbacks = this.#work.setbacks();
      if (setbacks > 0) await pause(backoffMs(setbacks, Math.random(), 10_000, 300_000), signal);
      try {
        const question = { ...(await this.#question(key)), waitSeconds: LEASE_WAIT_SECONDS };
        const answer = await this.#options.client.lease(question, { signal, timeoutMs: LEASE_TIMEOUT_MS });
        failures = 0;
        this.#standing.hear(answer);
        if (answer.edgeTimeMs > 0n) this.#hearTime(Number(answer.edgeTimeMs));
        if (answer.order) await this.#work.accept(answer.order);
        // Not before: an order that could not be written down must come again.
        key = randomUUID();
      } catch (error) {
        if (signal.aborted) return this.#takeNothingMore(key);
        failures += 1;
        // The key stays: an order that was given and whose answer was lost comes again.
        complain(this.#options.log, 'asking for work failed', error, failures);
        await pause(backoffMs(failures, Math.random()), signal);
      }
    }
  }

  /** Its own words about itself. */
  async #question(idempotencyKey: string) {
    const { slots, foreignFeeds } = this.#options;
    return {
      idempotencyKey,
      softwareVersion: SERVER_VERSION,
      protocol: FARM_PROTOCOL,
      slots,
      heldImageBuilders: await this.heldImageBuilders(),
      knownStanding: this.#standing.known,
      ...(foreignFeeds && { feeds: { prefixes: [...foreignFeeds] } }),
    };
  }

  /**
   * The question was broken off, and at the edge it waits still: what it is given from now on nobody would build until its lease is over.
   * What it was given in this moment is handed back.
   */
  async #takeNothingMore(key: string): Promise<void> {
    try {
      const question = { ...(await this.#question(key)), stops: true };
      const { order } = await this.#options.client.lease(question, { timeoutMs: FAREWELL_MS });
      if (order) await this.#work.refuse(order);
    } catch (error) {
      complain(this.#options.log, 'the edge could not be told that this node stops', error, 1);
    }
  }

  /** So that builds come where their ImageBuilder is. One that cannot be listed now costs a cold start, no more. */
  async heldImageBuilders(): Promise<string[]> {
    const list = await this.#options.workshop.imageBuilders.list().catch(() => []);
    return list.slice(0, MAX_HELD).map(({ sha256 }) => sha256);
  }

  /** False after a while in which there was none: with a full disk no work is taken, and the log says so. */
  async #hasRoom(signal: AbortSignal): Promise<boolean> {
    const full = await this.#options.disk.isFull().catch((error) => `the disk cannot be asked: ${error.message}`);
    if (full === null) {
      this.#fullTimes = 0;
      return true;
    }
    this.#fullTimes += 1;
    if (isWorthSayingAgain(this.#fullTimes)) this.#options.log(`no work is taken: ${full}`);
    await pause(FULL_MS, signal);
    return false;
  }

  /** What is wrong with the clock is said when it is news. */
  #hearTime(edgeTimeMs: number): void {
    const { clock } = this.#options;
    clock.hear(edgeTimeMs);
    const fault = clock.fault();
    if (fault !== null && fault !== this.#clockFault) this.#options.log(fault);
    this.#clockFault = fault;
  }
}
