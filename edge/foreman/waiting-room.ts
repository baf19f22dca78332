/** Nodes that wait for work. In memory only: whoever waited when the object went away asks again within 25 s. */
const WOKEN_AT_ONCE = 4;

export class WaitingRoom {
  readonly #waiting: (() => void)[] = [];
  #wakes = 0;

  /** How often somebody was to be woken: who was busy then and finds it grown looks again instead of waiting. */
  get wakes(): number {
    return this.#wakes;
  }

  /** Resolves when woken, or after `timeoutMs`. */
  wait(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const leave = () => {
        clearTimeout(timer);
        const place = this.#waiting.indexOf(leave);
        if (place >= 0) this.#waiting.splice(place, 1);
        resolve();
      };
      const timer = setTimeout(leave, timeoutMs);
      this.#waiting.push(leave);
    });
  }

  /** Those that waited longest; several, because the first one may not take what came. The rest ask again by themselves. */
  wakeSome(): void {
    this.#wakes += 1;
    for (const leave of this.#waiting.slice(0, WOKEN_AT_ONCE)) leave();
  }

  wakeAll(): void {
    this.#wakes += 1;
    for (const leave of [...this.#waiting]) leave();
  }
}
