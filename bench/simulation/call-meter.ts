/** How often the Foreman is called: by name, on the whole, and at the worst moment. */
const WINDOW_MS = 10_000;

export class CallMeter {
  readonly #byName = new Map<string, number>();
  readonly #byWindow = new Map<number, number>();
  #total = 0;

  note(name: string, now: number): void {
    this.#total += 1;
    this.#byName.set(name, (this.#byName.get(name) ?? 0) + 1);
    const window = Math.floor(now / WINDOW_MS);
    this.#byWindow.set(window, (this.#byWindow.get(window) ?? 0) + 1);
  }

  reset(): void {
    this.#byName.clear();
    this.#byWindow.clear();
    this.#total = 0;
  }

  get total(): number {
    return this.#total;
  }

  get byName(): ReadonlyMap<string, number> {
    return this.#byName;
  }

  /** Calls a second over the ten seconds with the most of them. */
  get peakPerSecond(): number {
    return [...this.#byWindow.values()].reduce((most, n) => Math.max(most, n), 0) / (WINDOW_MS / 1000);
  }
}
