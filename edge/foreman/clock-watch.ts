/**
 * Sees that the clock of the machine was set. One that starts with the wrong day and is set right while the Foreman is awake would end
 * every lease at once, and drop all that waits as what nobody asks for any more; set back, what no node speaks for would stand for as
 * long as the clock was ahead. Nobody is to blame for either: all that runs begins its time anew, as after an absence.
 */
import { wasAway } from '../../shared/node/lease.ts';
import type { ForemanState } from './foreman-state.ts';

/** Less is an alarm that rings late, or a clock that is kept right, and costs an attempt at most. */
const JUMP_MS = 5 * 60_000;

export class ClockWatch {
  #latest = 0;

  /** `alarmDueAt`: of the alarm that rings now; null where none does. Milliseconds since 1970, both. */
  wasSet(now: number, alarmDueAt: number | null): boolean {
    const isBack = now < this.#latest - JUMP_MS;
    this.#latest = now;
    return isBack || wasAway(alarmDueAt, now, JUMP_MS);
  }
}

/** Neither nodes nor clients could be heard in the time that never was; and nothing has happened later than now. */
export function beginAnew({ leases, queue, nodes, votes }: ForemanState, now: number): void {
  leases.renewAll(now);
  queue.polls.noteAll(now);
  queue.resumeAhead(now);
  nodes.seenAhead(now);
  votes.castAhead(now);
}
