/**
 * What the Foreman does while nobody waits for it: it asks the store and KV, which may fail or hang. Each chore finds in the tables
 * what is due, and leaves what fails for the alarm: were it the caller's, one store that is away would end the calls of every node.
 */
import type { FailureRecord } from '../../shared/build/build-record.ts';
import { logError, logWarning } from '../log.ts';
import type { AlarmClock } from './alarm-clock.ts';
import { dueTimes, RETRY_MS } from './due-times.ts';
import type { ForemanState } from './foreman-state.ts';
import { keepToBudget } from './images/keep-to-budget.ts';
import { removeLeftovers } from './images/remove-leftovers.ts';
import { removePrivate } from './images/remove-private.ts';
import { sweepStore } from './images/sweep-store.ts';
import type { Rooms } from './leases/rooms.ts';
import { areOrphaned, settleOrphaned } from './nodes/orphaned.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { dropPrebuilds } from './prebuilds/drop-prebuilds.ts';
import { listWanted } from './prebuilds/list-wanted.ts';
import { lookForPrebuilds } from './prebuilds/look-for-prebuilds.ts';
import { beginLog } from './publishing/begin-log.ts';
import { publishDecided } from './publishing/publish-decided.ts';
import { nextRecall, takeBack } from './publishing/recall.ts';
import { writeLog } from './publishing/write-log.ts';
import { bringBack } from './queue/bring-back.ts';
import { cacheFailure } from './queue/end-build.ts';
import { keepRequests } from './queue/keep-requests.ts';
import { removeOldLogs } from './queue/remove-old-logs.ts';
import { mindChecks } from './trust/mind-checks.ts';
import { isWithdrawalDue, withdraw } from './trust/withdraw.ts';

/** What waits in the store is gone through so often, beside the first time: of tables that were restored it may know more. */
const RELIST_MS = 3_600_000;
/** While that goes on: an alarm keeps the object awake. */
const AWAKE_MS = 20_000;
const FULL_AGAIN_MS = 60_000;

/** Each asks the store some times, which may take half a minute each. */
const EXPIRED_AT_ONCE = 16;

type Chore =
  | 'publishAll'
  | 'settleOrphaned'
  | 'writeLog'
  | 'withdraw'
  | 'keepRequests'
  | 'bringBack'
  | 'mindChecks'
  | 'prebuild'
  | 'clearAway'
  | 'removeOldLogs';

export class Chores {
  readonly #state: ForemanState;
  readonly #alarm: AlarmClock;
  readonly #rooms: Rooms;
  readonly #waitUntil: (work: Promise<unknown>) => void;
  /** Where the next pass over what is decided begins (publish-decided.ts). */
  #publishFrom = 0;

  constructor(state: ForemanState, alarm: AlarmClock, rooms: Rooms, waitUntil: (work: Promise<unknown>) => void) {
    this.#state = state;
    this.#alarm = alarm;
    this.#rooms = rooms;
    this.#waitUntil = waitUntil;
  }

  /** Not waited for: a store that hangs must not keep leases from ending. */
  start(...chores: readonly Chore[]): void {
    for (const chore of chores) this.#waitUntil(this[chore]());
  }

  /** What failed for good is told to whoever asks for the same, near to them. */
  cacheFailures(failures: readonly FailureRecord[]): void {
    for (const failure of failures) this.#waitUntil(cacheFailure(this.#state, failure));
  }

  /** Publishes whatever is decided. What fails stays `publishing` for the alarm. */
  readonly publishAll = oneAtATime(async () => {
    if (this.#state.queue.isPublishing() && (await this.#holdsBucket('publishing'))) await this.#publishDecided();
    await this.#setAlarm();
  });

  async #publishDecided(): Promise<void> {
    // Not waited for: what is done need not wait until it is told.
    const told = { onPage: () => this.#waitUntil(this.writeLog()), onLost: () => this.#rooms.waiting.wakeSome() };
    this.#publishFrom = await publishDecided(this.#state, told, this.#publishFrom);
  }

  /** Whom the log in the store disowns, tables that were restored believe. */
  readonly readLog = oneAtATime(async () => {
    await this.#attempt('reading the log', beginLog);
    // Whoever was put out by it has left something to settle, and it may be that nobody calls.
    await this.#setAlarm();
  });

  /** Brings the log to its readers. */
  readonly writeLog = oneAtATime(async () => {
    if (!this.#state.log.isBehind()) return;
    if (!(await this.#holdsBucket('writing the log'))) return this.#setAlarm();
    try {
      while (await writeLog(this.#state, Date.now()));
    } catch (error) {
      logError('writing the log failed and is tried again', { error });
      await this.#alarm.ring([Date.now() + RETRY_MS]);
    }
  });

  /** Settles what nodes left behind that were put out; between two steps others are heard. */
  readonly settleOrphaned = oneAtATime(async () => {
    if (areOrphaned(this.#state)) await this.#settleOrphaned();
    await this.#setAlarm();
  });

  async #settleOrphaned(): Promise<void> {
    for (let at = settleOrphaned(this.#state, Date.now()); at; at = settleOrphaned(this.#state, Date.now(), at)) {
      this.#rooms.waiting.wakeSome();
      await new Promise((resolve) => setTimeout(resolve));
    }
    // Of the last ones as well; and each step brought more builds than it woke nodes.
    this.#rooms.wakeForMany();
  }

  /** Takes back what stood on nodes that are not believed any more. */
  readonly withdraw = oneAtATime(async () => {
    const isDue = isWithdrawalDue(this.#state) || nextRecall(this.#state) !== null;
    if (isDue && (await this.#holdsBucket('withdrawing results'))) await this.#withdraw();
    await this.#setAlarm();
  });

  async #withdraw(): Promise<void> {
    await this.#attempt('withdrawing results', withdraw);
    await this.#attempt('taking results back', async (state) => {
      while (await takeBack(state, Date.now()));
    });
  }

  /** What waits is in the store as well. */
  readonly keepRequests = oneAtATime(async () => {
    const { kept } = this.#state;
    const isDue = kept.hasEnded() || (kept.nextDueAt() ?? Number.POSITIVE_INFINITY) <= Date.now();
    const what = 'keeping what waits';
    if (isDue && (await this.#holdsBucket(what))) await this.#attempt(what, (state) => keepRequests(state, Date.now));
    await this.#setAlarm();
  });

  /** What waits in the store and is not known here is taken on. */
  readonly bringBack = oneAtATime(async () => {
    const { hold, kept } = this.#state;
    if (kept.listedAt !== null && Date.now() - kept.listedAt < RELIST_MS) return;
    const awake = () => this.#alarm.ring([Date.now() + AWAKE_MS]);
    try {
      await hold.assure(Date.now());
      const { isAll, taken } = await bringBack(this.#state, Date.now, awake);
      if (taken > 0) logWarning('builds that waited in the store are back in the queue', { builds: taken });
      if (!isAll) await this.#alarm.ring([Date.now() + FULL_AGAIN_MS]);
      if (taken > 0) this.#rooms.waiting.wakeAll();
    } catch (error) {
      // Once the bucket is its own it starts anew.
      if (hold.refusal !== null) return;
      logError('bringing back what waits failed and is tried again', { error });
      await this.#alarm.ring([Date.now() + RETRY_MS]);
    }
    await this.#setAlarm();
  });

  /** Settles what checks have said. */
  readonly mindChecks = oneAtATime(async () => {
    const { stateChanges } = this.#state.nodes;
    await this.#attempt('minding the checks', mindChecks);
    // Whoever was found to lie.
    if (this.#state.nodes.stateChanges !== stateChanges) {
      this.#rooms.wakeForChanged();
      this.#waitUntil(this.settleOrphaned());
      await this.withdraw();
    }
    await this.#setAlarm();
  });

  /** Looks, when it is time, whether there is something to build before anybody asks for it. */
  async prebuild(): Promise<void> {
    const now = Date.now();
    const { prebuilds } = this.#state;
    if ((prebuilds.nextLookAt(now) ?? Number.POSITIVE_INFINITY) > now) return;
    // Also where the last one goes on still, or it would be due all the while.
    prebuilds.looked(now);
    await this.#lookForPrebuilds();
  }

  readonly #lookForPrebuilds = oneAtATime(async () => {
    const queued = await this.#attempt('looking for what is to be built ahead', async (state) => {
      dropPrebuilds(state, Date.now());
      await listWanted(state, Date.now);
      return lookForPrebuilds(state, Date.now);
    });
    if (queued) this.#rooms.waiting.wakeAll();
    await this.#setAlarm();
  });

  /** One after the other, since what goes by itself is nothing that must be made to go. */
  async clearAway(): Promise<void> {
    await this.#removeExpired();
    await this.#collectGarbage();
  }

  /** Private builds whose time is over. Whoever has the bucket by now: these are secrets, and were written from here. */
  readonly #removeExpired = oneAtATime(async () => {
    const { queue, images, leases } = this.#state;
    for (const build of queue.ended.expired(Date.now(), EXPIRED_AT_ONCE)) {
      try {
        const image = images.of(build.requestHash);
        const ids = new Set(leases.ofBuild(build.requestHash).map(({ id }) => id));
        // Of a lease that was given after the backup from which this Foreman was restored there is no row.
        if (image) ids.add(image.leaseId);
        await removePrivate(this.#state, build, ids);
        queue.ended.filesRemoved(build.requestHash);
        if (image) images.remove(image);
      } catch (error) {
        logError('removing a private build failed and is tried again', { lease: build.leaseId ?? undefined, error });
      }
    }
    await this.#setAlarm();
  });

  /** Removes what takes space for nothing, or too much of it. One after the other: what one removes another may come upon. */
  readonly #collectGarbage = oneAtATime(async () => {
    // What lies in the bucket of another is none of it.
    if (!(await this.#holdsBucket('collecting garbage'))) return;
    await this.#attempt('removing images', keepToBudget);
    await this.#attempt('removing what leases left', removeLeftovers);
    const isMore = await this.#attempt('sweeping the store', sweepStore);
    if (isMore) await this.#alarm.ring([Date.now() + RETRY_MS]);
    await this.#setAlarm();
  });

  /** Without an alarm of its own: where nothing is built, no logs are added. */
  readonly removeOldLogs = oneAtATime(async () => {
    if (this.#state.hold.refusal !== null) return;
    const isMore = await this.#attempt('removing old logs', removeOldLogs);
    if (isMore) await this.#alarm.ring([Date.now() + RETRY_MS]);
  });

  /** What is written there is trusted by readers, so nobody else may write there. */
  async #holdsBucket(what: string): Promise<boolean> {
    try {
      await this.#state.hold.assure(Date.now());
      return true;
    } catch (error) {
      // Who refuses has said so once.
      if (this.#state.hold.refusal === null) logError(`${what} failed and is tried again`, { error });
      return false;
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
      logError(`${what} failed and is tried again`, { error });
      return undefined;
    }
  }

  async #setAlarm(): Promise<void> {
    await this.#alarm.ring(dueTimes(this.#state, Date.now()));
  }
}
