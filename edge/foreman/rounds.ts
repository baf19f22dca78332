/**
 * What time drives: the Foreman wakes, and later its alarm rings. Each time what is over is ended, every chore is started, and the alarm
 * is set to what is due next; whoever changes something between two rounds sets it as well. Else what waits for time would wait until
 * somebody happens to call.
 */
import { wasAway } from '../../shared/node/lease.ts';
import { AlarmClock } from './alarm-clock.ts';
import { PATIENCE_MS } from './bucket-hold.ts';
import { Chores } from './chores.ts';
import { beginAnew, ClockWatch } from './clock-watch.ts';
import { dueTimes } from './due-times.ts';
import type { ForemanState } from './foreman-state.ts';
import type { Rooms } from './leases/rooms.ts';
import { notLonger } from './not-longer.ts';
import { endWhatIsOver, forgetWhatIsOld } from './passing-time.ts';

/** What the calls of nodes need beside the tables. */
export interface Surroundings {
  readonly rooms: Rooms;
  readonly rounds: Rounds;
  readonly now: () => number;
}

export class Rounds {
  readonly chores: Chores;
  readonly #state: ForemanState;
  readonly #rooms: Rooms;
  readonly #waitUntil: (work: Promise<unknown>) => void;
  readonly #alarm: AlarmClock;
  readonly #clock = new ClockWatch();
  /** Null once the log was read since the Foreman woke. */
  #logRead: Promise<void> | null = null;

  constructor(state: ForemanState, rooms: Rooms, ctx: Pick<DurableObjectState, 'storage' | 'waitUntil'>) {
    this.#state = state;
    this.#rooms = rooms;
    this.#waitUntil = (work) => ctx.waitUntil(work);
    this.#alarm = new AlarmClock(ctx.storage, state.db);
    this.chores = new Chores(state, this.#alarm, rooms, this.#waitUntil);
  }

  /** Once, before anybody is listened to. */
  async begin(): Promise<void> {
    const now = Date.now();
    if (wasAway(this.#alarm.dueAt, now) || this.#state.leases.isAheadOf(now)) beginAnew(this.#state, now);
    const { dueAt } = this.#alarm;
    this.#alarm.fired();
    await this.setAlarm();
    // A chore that is to go on then stands in no table.
    if (dueAt !== null && dueAt > now) await this.#alarm.ring([dueAt]);
    if (!this.#state.nodes.isEmpty()) this.#waitUntil(this.#readLog());
    // Not waited for: what is published is answered for whatever the store says.
    if (this.#state.kept.listedAt === null) this.chores.start('bringBack');
    else this.#waitUntil(this.#state.hold.settle(Date.now()));
  }

  /** The alarm rings. */
  async ring(): Promise<void> {
    const now = Date.now();
    if (this.#clock.wasSet(now, this.#alarm.dueAt)) beginAnew(this.#state, now);
    this.#alarm.fired();
    this.chores.cacheFailures(endWhatIsOver(this.#state, (nodeId) => this.#rooms.wake(nodeId), now));
    this.chores.start(
      'settleOrphaned',
      'publishAll',
      'writeLog',
      'withdraw',
      'mindChecks',
      'prebuild',
      'keepRequests',
      'bringBack',
    );
    forgetWhatIsOld(this.#state, now);
    // By what is over, or by what the log says that was slow to be read.
    if (this.#state.nodes.hasChanged) this.#rooms.wakeForChanged();
    else this.#rooms.wakeForMany();
    await this.setAlarm();
    this.chores.start('removeOldLogs', 'clearAway');
  }

  async setAlarm(): Promise<void> {
    const now = Date.now();
    if (this.#clock.wasSet(now, null)) beginAnew(this.#state, now);
    await this.#alarm.ring(dueTimes(this.#state, now));
  }

  /** Before that nobody is listened to whom the store may know to be disowned; a store that hangs is not waited for. */
  async untilLogIsRead(): Promise<void> {
    if (this.#logRead) await notLonger(this.#logRead, PATIENCE_MS);
  }

  /** Before work is given out: it is known as well whose the bucket is, as far as the store says so. */
  async untilSettled(): Promise<void> {
    await this.untilLogIsRead();
    await this.#state.hold.settle(Date.now());
  }

  async #readLog(): Promise<void> {
    this.#logRead = this.chores.readLog();
    await this.#logRead;
    this.#logRead = null;
  }
}
