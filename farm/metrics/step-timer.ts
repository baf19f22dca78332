/**
 * How long each step of a build took, from the steps it tells. A step lasts from its first word to the first word of another
 * one; progress within it, and a step that comes back, add to it. The clock is the caller's.
 */
import { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';

/** As clients read it: `download_imagebuilder`. */
export type StepName = string;

const stepName = (step: BuildStep): StepName => (BuildStep[step] ?? 'unspecified').toLowerCase();

export class StepTimer {
  readonly #secondsOf = new Map<StepName, number>();
  #current: { readonly name: StepName; readonly sinceMs: number } | null = null;

  /** @param atMs of a clock that does not go back, such as performance.now() */
  step(step: BuildStep, atMs: number): void {
    const name = stepName(step);
    if (this.#current?.name === name) return;
    this.#finish(atMs);
    this.#current = { name, sinceMs: atMs };
  }

  /** Seconds by step, in the order in which they began. Nothing counts any more until the next `step`. */
  end(atMs: number): ReadonlyMap<StepName, number> {
    this.#finish(atMs);
    this.#current = null;
    return new Map(this.#secondsOf);
  }

  #finish(atMs: number): void {
    if (this.#current === null) return;
    const { name, sinceMs } = this.#current;
    this.#secondsOf.set(name, (this.#secondsOf.get(name) ?? 0) + Math.max(0, atMs - sinceMs) / 1000);
  }
}
