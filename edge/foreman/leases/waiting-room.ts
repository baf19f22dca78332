/** Nodes that wait for work. In memory only: whoever waited when the object went away asks again within 25 s. */
const WOKEN_AT_ONCE = 4;

/** Of a node that waits, what makes it the right one for a build. */
export interface Waiting {
  readonly nodeId: string;
  /** Some builds are for trusted nodes alone, and some for those that fetch from foreign feeds. */
  readonly isTrusted: boolean;
  readonly fetchesForeign: boolean;
  /** ImageBuilders that it has, by sha256. */
  readonly held: ReadonlySet<string>;
  /** What its builds take, by its last ones; null as long as there was none. */
  readonly typicalMs: number | null;
  /** Can it be called? Else it is answered, and nothing else reaches it. */
  readonly isCalled: boolean;
}

/** `dismissed`: it is to ask anew, since what it asked is older than what is known of it. */
export type Waited = 'woken' | 'over' | 'dismissed';

interface Seat extends Waiting {
  readonly leave: (why?: Waited) => void;
}

export class WaitingRoom {
  /** Those that wait longest first. */
  readonly #seats: Seat[] = [];
  #wakes = 0;

  /** How often somebody was to be woken: who was busy then and finds it grown looks again instead of waiting. */
  get wakes(): number {
    return this.#wakes;
  }

  /** Resolves when woken or dismissed, or after `timeoutMs`. */
  wait(timeoutMs: number, who: Waiting): Promise<Waited> {
    return new Promise((resolve) => {
      const leave = (why: Waited = 'woken') => {
        clearTimeout(timer);
        const place = this.#seats.indexOf(seat);
        if (place >= 0) this.#seats.splice(place, 1);
        resolve(why);
      };
      const seat: Seat = { ...who, leave };
      const timer = setTimeout(leave, timeoutMs, 'over');
      this.#seats.push(seat);
    });
  }

  /**
   * Some of those that wait, since the first one may not take what came: such as have its ImageBuilder before the others,
   * then the fastest, then those that wait longest. However many volunteers are better, one node is among them that may take what
   * they may not. The rest ask again by themselves.
   */
  wakeSome(imageBuilder = ''): void {
    this.#wakes += 1;
    const woken = new Set([
      ...this.#best(imageBuilder, WOKEN_AT_ONCE),
      ...this.#best(imageBuilder, 1, ({ isTrusted }) => isTrusted),
      ...this.#best(imageBuilder, 1, ({ fetchesForeign }) => fetchesForeign),
    ]);
    for (const { leave } of woken) leave();
  }

  /**
   * The one that is to be called for what came, and null where others are better: then some are to be woken. Who is called keeps
   * its seat, and nobody else is woken, or the first to look would take what is meant for the right one.
   */
  toBeCalled(imageBuilder: string): string | null {
    const [best] = this.#best(imageBuilder, 1);
    if (!best?.isCalled) return null;
    this.#wakes += 1;
    return best.nodeId;
  }

  /** It gave a build back, or could not be called: it may be full by now or stop, and then does not ask anew. */
  dismiss(nodeId: string): void {
    for (const seat of [...this.#seats]) if (seat.nodeId === nodeId) seat.leave('dismissed');
  }

  /** It has room for more. */
  wake(nodeId: string): void {
    for (const seat of [...this.#seats]) if (seat.nodeId === nodeId) seat.leave();
  }

  /** Those that wait longest: what time has freed is not known one by one, and looking costs, so that all of a large farm take turns. */
  wakeEldest(most: number): void {
    this.#wakes += 1;
    for (const { leave } of this.#seats.slice(0, most)) leave();
  }

  wakeAll(): void {
    this.#wakes += 1;
    for (const { leave } of [...this.#seats]) leave();
  }

  /** At most `most` of different nodes, the best first: one of a node that waits with several questions is enough for what came. */
  #best(imageBuilder: string, most: number, mayBe: (seat: Seat) => boolean = () => true): readonly Seat[] {
    const best: Seat[] = [];
    for (const seat of this.#seats) {
      if (!mayBe(seat) || best.some(({ nodeId }) => nodeId === seat.nodeId)) continue;
      const place = best.findIndex((other) => isBetter(seat, other, imageBuilder));
      if (place >= 0) best.splice(place, 0, seat);
      else if (best.length < most) best.push(seat);
      if (best.length > most) best.pop();
    }
    return best;
  }
}

function isBetter(one: Waiting, other: Waiting, imageBuilder: string): boolean {
  const [oneHas, otherHas] = [one.held.has(imageBuilder), other.held.has(imageBuilder)];
  if (oneHas !== otherHas) return oneHas;
  // A node that built nothing yet is neither fast nor slow: it gets its chance behind those that are known to be good.
  return (one.typicalMs ?? Number.MAX_VALUE) < (other.typicalMs ?? Number.MAX_VALUE);
}
