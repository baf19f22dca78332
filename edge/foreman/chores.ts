/**
 * What the Foreman does while nobody waits for it: it asks the store and KV, which may fail or hang. Each chore finds in the tables
 * what is due, and leaves what fails for the alarm: were it the caller's, one store that is away would end the calls of every node.
 */

import { logError } from '../log.ts';
import type { AlarmClock } from './alarm-clock.ts';
import { dropPrebuilds } from './drop-prebuilds.ts';
import { dueTimes, RETRY_MS } from './due-times.ts';
import type { ForemanState } from './foreman-state.ts';
import { listWanted } from './list-wanted.ts';
import { lookForPrebuilds } from './look-for-prebuilds.ts';
import { mindChecks } from './mind-checks.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { publishDecided } from './publish-decided.ts';
import { takeBack } from './recall.ts';
import { removeOldLogs } from './remove-old-logs.ts';
import { removePrivate } from './remove-private.ts';
import type { Rooms } from './rooms.ts';
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
      logError('writing the log failed and is tried again', { error });
      await this.#alarm.ring([Date.now() + RETRY_MS]);
    }
  });

  /** Takes back what stood on nodes that are not believed any more. */
  readonly withdraw = oneAtATime(async () => {
    try {
      await withdraw(this.#state, Date.now());
    } catch (error) {
      logError('withdrawing results failed and is tried again', { error });
    }
    try {
      while (await takeBack(this.#state, Date.now()));
    } catch (error) {
      logError('taking results back failed and is tried again', { error });
    }
    await this.#setAlarm();
  });

  /** Settles what checks have said. */
  readonly mindChecks = oneAtATime(async () => {
    const { stateChanges } = this.#state.nodes;
    try {
      await mindChecks(this.#state, Date.now());
    } catch (error) {
      logError('minding the checks failed and is tried again', { error });
    }
    // Whoever was found to lie.
    if (this.#state.nodes.stateChanges !== stateChanges) {
      this.#rooms.wakeEverybody();
      await this.withdraw();
    }
    await this.#setAlarm();
  });

  /** Looks, when it is time, whether there is something to build before anybody asks for it. */
  readonly prebuild = oneAtATime(async () => {
    const now = Date.now();
    const { prebuilds } = this.#state;
    if ((prebuilds.nextLookAt(now) ?? Number.POSITIVE_INFINITY) > now) return;
    prebuilds.looked(now);
    try {
      dropPrebuilds(this.#state, now);
      await listWanted(this.#state, now);
      if ((await lookForPrebuilds(this.#state, now)) > 0) this.#rooms.waiting.wakeAll();
    } catch (error) {
      logError('looking for what is to be built ahead failed and is tried again', { error });
    }
    await this.#setAlarm();
  });

  /** Private builds whose time is over. */
  async removeExpired(now: number): Promise<void> {
    for (const build of this.#state.queue.expired(now)) {
      try {
        const leases = this.#state.leases.ofBuild(build.requestHash);
        const withUploads = leases.map(({ id }) => ({ id, uploads: this.#state.uploads.ofLease(id) }));
        await removePrivate(build, withUploads, this.#state.store);
        this.#state.queue.removed(build.requestHash);
      } catch (error) {
        logError('removing a private build failed and is tried again', { lease: build.leaseId ?? undefined, error });
      }
    }
  }

  /** Without an alarm of its own: where nothing is built, no logs are added. */
  async removeOldLogs(now: number): Promise<void> {
    try {
      if (await removeOldLogs(this.#state, now)) await this.#alarm.ring([Date.now() + RETRY_MS]);
    } catch (error) {
      logError('removing old logs failed and is tried again', { error });
    }
  }

  async #setAlarm(): Promise<void> {
    await this.#alarm.ring(dueTimes(this.#state, Date.now()));
  }
}
