/**
 * The Foreman said a moment ago that its queue is full. Then every router that wants something new asks again and again, and
 * must not come to the one Durable Object each time, which would have to count its queue for them.
 */
import { BuildError } from '../../shared/build/build-error.ts';
import { LIFETIMES } from '../lifetimes.ts';

export const QUEUE_FULL = new BuildError('queue_full');

export class FullQueue {
  readonly #clock: { now(): number };
  #until = Number.NEGATIVE_INFINITY;

  constructor(clock: { now(): number } = performance) {
    this.#clock = clock;
  }

  remember(): void {
    this.#until = this.#clock.now() + LIFETIMES.queueFullMs;
  }

  get isNow(): boolean {
    return this.#clock.now() < this.#until;
  }
}
