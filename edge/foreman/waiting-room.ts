/** Nodes that wait for work. In memory only: whoever waited when the object went away asks again within 25 s. */
const WOKEN_AT_ONCE = 4;

/** Of a node that waits, what makes it the right one for a build. */
export interface Waiting {
  /** ImageBuilders that it has, by sha256. */
  readonly held: ReadonlySet<string>;
  /** What its builds take, by its last ones; null as long as there was none. */
  readonly typicalMs: number | null;
}

interface Seat extends Waiting {
  readonly leave: () => void;
}

export class WaitingRoom {
  /** Those that wait longest first. */
  readonly #seats: Seat[] = [];
  #wakes = 0;

  /** How often somebody was to be woken: who was busy then and finds it grown looks again instead of waiting. */
  get wakes(): number {
    return this.#wakes;
  }

  /** Resolves when woken, or after `timeoutMs`. */
  wait(timeoutMs: number, who: Waiting): Promise<void> {
    return new Promise((resolve) => {
      const leave = () => {
        clearTimeout(timer);
        const place = this.#seats.indexOf(seat);
        if (place >= 0) this.#seats.splice(place, 1);
        resolve();
      };
      const seat: Seat = { ...who, leave };
      const timer = setTimeout(leave, timeoutMs);
      this.#seats.push(seat);
    });
  }

  /**
   * Some of those that wait, since the first one may not take what came: such as have its ImageBuilder before the others,
   * then the fastest, then those that wait longest. The rest ask again by themselves.
   */
  wakeSome(imageBuilder = ''): void {
    this.#wakes += 1;
    const woken: Seat[] = [];
    for (const seat of this.#seats) {
      const place = woken.findIndex((other) => isBetter(seat, other, imageBuilder));
      if (place >= 0) woken.splice(place, 0, seat);
      else if (woken.length < WOKEN_AT_ONCE) woken.push(seat);
      if (woken.length > WOKEN_AT_ONCE) woken.pop();
    }
    for (const { leave } of woken) leave();
  }

  wakeAll(): void {
    this.#wakes += 1;
    for (const { leave } of [...this.#seats]) leave();
  }
}

function isBetter(one: Waiting, other: Waiting, imageBuilder: string): boolean {
  const [oneHas, otherHas] = [one.held.has(imageBuilder), other.held.has(imageBuilder)];
  if (oneHas !== otherHas) return oneHas;
  // A node that built nothing yet is neither fast nor slow: it gets its chance behind those that are known to be good.
  return (one.typicalMs ?? Number.MAX_VALUE) < (other.typicalMs ?? Number.MAX_VALUE);
}
