/**
 * The time of the whole process while a simulation runs: `Date` and `setTimeout` are its own, so that code which knows nothing
 * of it, the Foreman's, waits for nothing. One event after the other; before the next, everything that the last one set off
 * comes to rest, so that no run depends on how fast the machine is.
 */
import { EventHeap } from './event-heap.ts';

/** What an event sets off that is not over when it returns is a promise. */
export type Happening = () => unknown;

interface Planned {
  at: number;
  readonly order: number;
  /** Null: called off. */
  happens: Happening | null;
}

export class FakeTime {
  readonly #heap = new EventHeap<Planned>();
  #now: number;
  #order = 0;
  #events = 0;
  #fault: { readonly error: unknown } | null = null;

  constructor(startAt: number) {
    this.#now = startAt;
  }

  get now(): number {
    return this.#now;
  }

  /** How many events there were. */
  get events(): number {
    return this.#events;
  }

  /** Returns what calls it off. */
  at(time: number, happens: Happening): () => void {
    this.#order += 1;
    const planned: Planned = { at: Math.max(time, this.#now), order: this.#order, happens };
    this.#heap.push(planned);
    return () => {
      planned.happens = null;
    };
  }

  in(ms: number, happens: Happening): () => void {
    return this.at(this.#now + ms, happens);
  }

  /** For whoever goes on by a promise. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.in(ms, async () => resolve()));
  }

  /** @throws what an event threw, at once or later */
  async runUntil(end: number): Promise<void> {
    for (let next = this.#heap.peek(); next !== undefined && next.at <= end; next = this.#heap.peek()) {
      this.#heap.pop();
      if (!next.happens) continue;
      this.#now = next.at;
      this.#events += 1;
      const setOff = next.happens();
      if (setOff instanceof Promise) {
        setOff.catch((error: unknown) => {
          this.#fault ??= { error };
        });
        await rest();
      }
      if (this.#fault) throw this.#fault.error;
    }
    this.#now = Math.max(this.#now, end);
  }

  /** Takes the process's time over; returns what gives it back. */
  install(): () => void {
    const real = { Date: globalThis.Date, setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
    const now = (): number => Math.floor(this.#now);
    class FakeDate extends real.Date {
      constructor(...given: [] | [number | string | Date]) {
        super(given.length === 0 ? now() : given[0]);
      }

      static override now = now;
    }
    const setTimeout = (callback: () => void, ms = 0) =>
      // A promise, since whoever waited goes on by one.
      this.in(ms, async () => callback());
    const clearTimeout = (callOff: unknown): void => {
      if (typeof callOff === 'function') callOff();
    };
    Object.assign(globalThis, { Date: FakeDate, setTimeout, clearTimeout });
    return () => void Object.assign(globalThis, real);
  }
}

/** Until nothing is left that waits for anything but time. All that the Foreman is given answers at once. */
const rest = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
