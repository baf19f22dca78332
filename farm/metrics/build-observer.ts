/** Follows one build for the metrics: when each step began, the most that it took, and at last how it ended. */
import type { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import type { BuildResultKind, NodeMetrics } from './node-metrics.ts';
import { StepTimer } from './step-timer.ts';

export interface ObservedPeaks {
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

export class BuildObserver {
  readonly #metrics: Pick<NodeMetrics, 'buildBegan' | 'buildEnded'>;
  readonly #nowMs: () => number;
  readonly #timer = new StepTimer();
  readonly #startedMs: number;
  #peaks: ObservedPeaks | null = null;
  #hasEnded = false;

  /** @param nowMs a clock that does not go back */
  constructor(metrics: Pick<NodeMetrics, 'buildBegan' | 'buildEnded'>, nowMs: () => number = () => performance.now()) {
    this.#metrics = metrics;
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
    metrics.buildBegan();
  }

  step(step: BuildStep): void {
    this.#timer.step(step, this.#nowMs());
  }

  /** Of one command of the build; the largest counts. */
  peaks({ memoryBytes, diskBytes }: ObservedPeaks): void {
    this.#peaks = {
      memoryBytes: Math.max(this.#peaks?.memoryBytes ?? 0, memoryBytes),
      diskBytes: Math.max(this.#peaks?.diskBytes ?? 0, diskBytes),
    };
  }

  /** After the upload. A second end is ignored. */
  end(result: BuildResultKind): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const nowMs = this.#nowMs();
    this.#metrics.buildEnded({
      result,
      seconds: (nowMs - this.#startedMs) / 1000,
      secondsOfStep: this.#timer.end(nowMs),
      peakMemoryBytes: this.#peaks?.memoryBytes ?? null,
      peakDiskBytes: this.#peaks?.diskBytes ?? null,
    });
  }
}
