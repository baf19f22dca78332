/** The ImageBuilders of a node, as farm/imagebuilder keeps them: so many, and the one that was used longest ago gives way. */
import { FARM } from './parameters.ts';

export class HeldImageBuilders {
  /** Last used last. */
  readonly #held: Set<string>;
  /** Those on their way, and when they are there. */
  readonly #arriveAt = new Map<string, number>();

  constructor(warm: readonly string[]) {
    this.#held = new Set(warm);
  }

  /** Last used first. */
  get names(): string[] {
    return [...this.#held].reverse();
  }

  /** Milliseconds until it is there. */
  use(imageBuilder: string, now: number): number {
    const isHeld = this.#held.delete(imageBuilder);
    this.#held.add(imageBuilder);
    if (!isHeld) {
      this.#arriveAt.set(imageBuilder, now + FARM.coldMs);
      const [eldest] = this.#held;
      if (this.#held.size > FARM.imageBuilders && eldest !== undefined) this.#held.delete(eldest);
    }
    return Math.max(0, (this.#arriveAt.get(imageBuilder) ?? now) - now);
  }

  /** The node goes: nothing is on its way any more. */
  stopFetching(): void {
    this.#arriveAt.clear();
  }
}
