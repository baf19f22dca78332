/**
 * What the Foreman does while nobody waits for it: it asks the store and KV, which may fail or hang. Each chore finds in the tables
 * what is due, and leaves what fails for the alarm: were it the caller's, one store that is away would end the calls of every node.
 */
import type { AlarmClock } from './alarm-clock.ts';
import { dueTimes, RETRY_MS } from './due-times.ts';
import type { ForemanState } from './foreman-state.ts';
import { keepToBudget } from './keep-to-budget.ts';
import { mindChecks } from './mind-checks.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { publishDecided } from './publish-decided.ts';
import { takeBack } from './recall.ts';
import { removeLeftovers } from './remove-leftovers.ts';
import { removeOldLogs } from './remove-old-logs.ts';
import { removePrivate } from './remove-private.ts';
import type { Rooms } from './rooms.ts';
import { sweepStore } from './sweep-store.ts';
import { withdraw } from './withdraw.ts';
import { writeLog } from './write-log.ts';

export class Chores {
  readonly #state: ForemanState;
  readonly #alarm: AlarmClock;
  readonly #rooms: Rooms;
  readonly #waitUntil: (work: Promise<unknown>) => void;

  constructor(state: ForemanState, alarm: AlarmClock, rooms: Rooms, waitUntil: (work: Promise<unknown>) => void) {
    this.#state = state;
    this.#alarm = alarm;
    this.#rooms = rooms;
    this.#waitUntil = waitUntil;
  }

  /** Publishes whatever is decided. What fails stays `publishing` for the alarm. */
  readonly publishAll = oneAtATime(async () => {
    await publishDecided(this.#state, {
      // Not waited for: what is done need not wait until it is told.
      onPage: () => this.#waitUntil(this.writeLog()),
      onLost: () => this.#rooms.waiting.wakeSome(),
    });
    await this.#setAlarm();
  });

  /** Brings the log to its readers. */
  readonly writeLog = oneAtATime(async () => {
    try {
      while (await writeLog(this.#state, Date.now()));
    } catch (error) {
      console.error(`writing the log failed and is tried again: ${error}`);
      await this.#alarm.ring([Date.now() + RETRY_MS]);
    }
  });

  /** Takes back what stood on nodes that are not believed any more. */
  readonly withdraw = oneAtATime(async () => {
    try {
      await withdraw(this.#state, Date.now());
    } catch (error) {
      console.error(`withdrawing results failed and is tried again: ${error}`);
    }
    try {
      while (await takeBack(this.#state, Date.now()));
    } catch (error) {
      console.error(`taking results back failed and is tried again: ${error}`);
    }
    await this.#setAlarm();
  });

  /** Settles what checks have said. */
  readonly mindChecks = oneAtATime(async () => {
    const { stateChanges } = this.#state.nodes;
    try {
      await mindChecks(this.#state, Date.now());
    } catch (error) {
      console.error(`minding the checks failed and is tried again: ${error}`);
    }
    // Whoever was found to lie.
    if (this.#state.nodes.stateChanges !== stateChanges) {
      this.#rooms.wakeEverybody();
      await this.withdraw();
    }
    await this.#setAlarm();
  });

  /** Private builds whose time is over. */
  async removeExpired(now: number): Promise<void> {
    for (const build of this.#state.queue.expired(now)) {
      try {
        const leases = this.#state.leases.ofBuild(build.requestHash);
        const withUploads = leases.map(({ id }) => ({ id, uploads: this.#state.uploads.ofLease(id) }));
        const { store, queue } = this.#state;
        await removePrivate(build, withUploads, store, () => queue.hasSuccessor(build));
        this.#state.queue.removed(build.requestHash);
        this.#state.images.remove(build.requestHash);
      } catch (error) {
        console.error(`removing the private build ${build.requestHash} failed and is tried again: ${error}`);
      }
    }
  }

  /** Removes what takes space for nothing, or too much of it. One after the other: what one removes another may come upon. */
  readonly collectGarbage = oneAtATime(async () => {
    await this.#attempt('removing images', keepToBudget);
    await this.#attempt('removing what leases left', removeLeftovers);
    const isMore = await this.#attempt('sweeping the store', sweepStore);
    if (isMore) await this.#alarm.ring([Date.now() + RETRY_MS]);
    await this.#setAlarm();
  });

  /** Without an alarm of its own: where nothing is built, no logs are added. */
  async removeOldLogs(now: number): Promise<void> {
    try {
      if (await removeOldLogs(this.#state, now)) await this.#alarm.ring([Date.now() + RETRY_MS]);
    } catch (error) {
      console.error(`removing old logs failed and is tried again: ${error}`);
    }
  }

  /** Undefined where it failed: the others are not held up. */
  async #attempt<Outcome>(
    what: string,
    chore: (state: ForemanState, now: number) => Promise<Outcome>,
  ): Promise<Outcome | undefined> {
    try {
      return await chore(this.#state, Date.now());
    } catch (error) {
      console.error(`${what} failed and is tried again: ${error}`);
      return undefined;
    }
  }

  async #setAlarm(): Promise<void> {
    await this.#alarm.ring(dueTimes(this.#state, Date.now()));
  }
}
