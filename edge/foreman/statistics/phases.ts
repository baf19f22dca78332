/**
 * How long builds take, phase by phase, as the Foreman sees it; what a node does in between it tells its own Prometheus. In memory: who
 * reads it wants to know how it is now, and knows how to add up what begins anew.
 */
import { LabelledHistogram } from '../../../shared/metrics/labelled-histogram.ts';
import type { Sample } from '../../../shared/metrics/prometheus-text.ts';

/** `waiting`: for the first node that takes it; `building`: by the one whose image it is; `publishing`: from the decision on. */
export type Phase = 'waiting' | 'building' | 'publishing';

/** From what is at once to what a client gives up on. */
const SECONDS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

export class Phases {
  readonly #seconds = new LabelledHistogram('phase', SECONDS);

  note(phase: Phase, ms: number): void {
    this.#seconds.observe(phase, Math.max(0, ms) / 1000);
  }

  samples(): Sample[] {
    return this.#seconds.samples();
  }
}
