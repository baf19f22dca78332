/**
 * Time that passes as fast as its events can be worked off. It takes the place of `Date.now` and of timers, so that code which
 * knows nothing of it waits without waiting. Events of one moment happen in the order in which they were asked for.
 */
interface Event {
  readonly at: number;
  readonly order: number;
  readonly happen: () => void;
}

export class SimulatedTime {
  #now: number;
  #order = 0;
  /** A binary heap: the next event first. */
  readonly #events: Event[] = [];
  /** Timers that were cleared; their events pass without a word. */
  readonly #cleared = new Set<number>();

  constructor(startMs: number) {
    this.#now = startMs;
  }

  now = (): number => this.#now;

  /** Returns what `cancel` takes. */
  in(ms: number, happen: () => void): number {
    return this.at(this.#now + Math.max(0, ms), happen);
  }

  at(at: number, happen: () => void): number {
    const event = { at: Math.max(at, this.#now), order: ++this.#order, happen };
    this.#events.push(event);
    for (let place = this.#events.length - 1; place > 0; ) {
      const parent = (place - 1) >> 1;
      if (!isSooner(event, this.#events[parent] as Event)) break;
      this.#events[place] = this.#events[parent] as Event;
      this.#events[parent] = event;
      place = parent;
    }
    return event.order;
  }

  pass(ms: number): Promise<void> {
    return new Promise((resolve) => void this.in(ms, resolve));
  }

  cancel(order: number): void {
    this.#cleared.add(order);
  }

  /** In place of `Date.now` and the timers of this process, until the answer is called. */
  install(): () => void {
    const real = { now: Date.now, setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
    Date.now = this.now;
    globalThis.setTimeout = ((happen: () => void, ms = 0) => this.in(ms, happen)) as unknown as typeof setTimeout;
    globalThis.clearTimeout = ((order: number) => this.cancel(order)) as unknown as typeof clearTimeout;
    return () => {
      Date.now = real.now;
      globalThis.setTimeout = real.setTimeout;
      globalThis.clearTimeout = real.clearTimeout;
    };
  }

  /** Until `until`, or until nothing is left to happen. After each event all that it set going in promises is done. */
  async run(until: number): Promise<void> {
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#now = next.at;
      if (this.#cleared.delete(next.order)) continue;
      next.happen();
      await settled();
    }
    this.#now = Math.max(this.#now, until);
  }

  #next(until: number): Event | undefined {
    const [first] = this.#events;
    if (!first || first.at > until) return undefined;
    const last = this.#events.pop() as Event;
    if (last === first) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.#events.length) break;
      if (child + 1 < this.#events.length && isSooner(this.#events[child + 1] as Event, this.#events[child] as Event))
        child += 1;
      if (!isSooner(this.#events[child] as Event, last)) break;
      this.#events[place] = this.#events[child] as Event;
      place = child;
    }
    this.#events[place] = last;
    return first;
  }
}

const isSooner = (one: Event, other: Event): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

/** `setImmediate` runs when no promise has anything left to do. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
