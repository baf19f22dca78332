/**
 * What a node counts for whoever runs it: builds and how they ended, where their time goes, what they took, what the
 * package proxy spared. Counted since the process started; nothing in it names a user, a package or a device.
 */

import { type BuildErrorKind, isBuildErrorKind } from '../../shared/build/build-error.ts';
import { LabelledHistogram } from '../../shared/metrics/labelled-histogram.ts';
import { type MetricFamily, prometheusText, type Sample } from '../../shared/metrics/prometheus-text.ts';
import { MIB } from '../../shared/text/byte-size.ts';
import type { ProxyCounters } from '../packages/proxy-counters.ts';
import type { StepName } from './step-timer.ts';

/** How a build ended: `succeeded`, `handed_back`, or the kind of its failure. */
export type BuildResultKind = 'succeeded' | 'handed_back' | BuildErrorKind;

export interface EndedBuild {
  readonly result: BuildResultKind;
  /** Of the whole build, upload included. */
  readonly seconds: number;
  readonly secondsOfStep: ReadonlyMap<StepName, number>;
  /** The most that was seen; null where it was not measured. */
  readonly peakMemoryBytes: number | null;
  readonly peakDiskBytes: number | null;
}

/** Read when somebody asks. What is not known (yet) is left out of the page. */
export interface Gauges {
  readonly slots: number;
  readonly disk: () => Promise<{ readonly usedBytes: number; readonly budgetBytes: number } | null>;
  readonly packages: () => Readonly<ProxyCounters> | null;
  /** Last words about builds that the edge has not acknowledged yet. */
  readonly unheard: () => number;
}

const PACKAGE_OUTCOMES = [
  ['hits', 'hit'],
  ['misses', 'miss'],
  ['refused', 'refused'],
  ['failed', 'failed'],
] as const satisfies readonly (readonly [keyof ProxyCounters, string])[];

/** From a warm copy (0.1 s) to what a deadline allows (10 min). */
const SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const BYTES = [16, 64, 128, 256, 512, 1024, 2048, 4096, 8192].map((mib) => mib * MIB);

export class NodeMetrics {
  readonly #gauges: Gauges;
  readonly #builds = new Map<BuildResultKind, number>();
  readonly #buildSeconds = new LabelledHistogram('result', SECONDS);
  readonly #stepSeconds = new LabelledHistogram('step', SECONDS);
  readonly #peakBytes = new LabelledHistogram('of', BYTES);
  #imageBuilderBytes = 0;
  #uploadedBytes = 0;
  #running = 0;

  constructor(gauges: Gauges) {
    this.#gauges = gauges;
  }

  buildBegan(): void {
    this.#running += 1;
  }

  buildEnded(build: EndedBuild): void {
    this.#running -= 1;
    // A kind becomes a label: one that the table does not have must not become a new row each time.
    const isKnown = build.result === 'succeeded' || build.result === 'handed_back' || isBuildErrorKind(build.result);
    const result = isKnown ? build.result : 'internal';
    this.#builds.set(result, (this.#builds.get(result) ?? 0) + 1);
    this.#buildSeconds.observe(build.result === 'succeeded' ? 'succeeded' : 'other', build.seconds);
    for (const [step, seconds] of build.secondsOfStep) this.#stepSeconds.observe(step, seconds);
    if (build.peakMemoryBytes !== null) this.#peakBytes.observe('memory', build.peakMemoryBytes);
    if (build.peakDiskBytes !== null) this.#peakBytes.observe('disk', build.peakDiskBytes);
  }

  imageBuilderBytesDownloaded(bytes: number): void {
    this.#imageBuilderBytes += bytes;
  }

  bytesUploaded(bytes: number): void {
    this.#uploadedBytes += bytes;
  }

  async text(): Promise<string> {
    return prometheusText([...this.#counted(), ...this.#packages(), ...(await this.#now())]);
  }

  #counted(): MetricFamily[] {
    return [
      {
        type: 'counter',
        name: 'asu_node_builds_total',
        help: 'Builds that ended, by how: succeeded, handed_back, or the kind of failure.',
        samples: [...this.#builds].map(([result, value]) => ({ labels: { result }, value })),
      },
      {
        type: 'histogram',
        name: 'asu_node_build_seconds',
        help: 'Duration of builds, upload included.',
        samples: this.#buildSeconds.samples(),
      },
      {
        type: 'histogram',
        name: 'asu_node_step_seconds',
        help: 'Duration of the steps of builds.',
        samples: this.#stepSeconds.samples(),
      },
      {
        type: 'histogram',
        name: 'asu_node_build_peak_bytes',
        help: 'The most memory and disk that a build took.',
        samples: this.#peakBytes.samples(),
      },
      {
        type: 'counter',
        name: 'asu_node_uploaded_bytes_total',
        help: 'Bytes of images that were built and uploaded.',
        samples: [{ value: this.#uploadedBytes }],
      },
    ];
  }

  #packages(): MetricFamily[] {
    const counters = this.#gauges.packages();
    const downloaded: Sample[] = [{ labels: { what: 'imagebuilder' }, value: this.#imageBuilderBytes }];
    if (counters !== null) downloaded.push({ labels: { what: 'package' }, value: counters.bytesFetched });
    const bytes: MetricFamily = {
      type: 'counter',
      name: 'asu_node_downloaded_bytes_total',
      help: 'Bytes that came from upstream.',
      samples: downloaded,
    };
    if (counters === null) return [bytes];
    return [
      bytes,
      {
        type: 'counter',
        name: 'asu_node_package_requests_total',
        help: "Builds' requests to the package proxy: answered from the cache (hit), fetched from upstream (miss), not in the build's feeds (refused), none of these (failed).",
        samples: PACKAGE_OUTCOMES.map(([name, outcome]) => ({ labels: { outcome }, value: counters[name] })),
      },
      {
        type: 'counter',
        name: 'asu_node_package_shared_fetches_total',
        help: 'Misses that waited for the fetch of another build.',
        samples: [{ value: counters.collapsed }],
      },
      {
        type: 'counter',
        name: 'asu_node_package_stale_indexes_total',
        help: 'Indexes that were given as they were last seen, since no mirror answered.',
        samples: [{ value: counters.stale }],
      },
      {
        type: 'counter',
        name: 'asu_node_package_cache_bytes_total',
        help: 'Bytes that the package proxy gave to builds from its cache.',
        samples: [{ value: counters.bytesFromCache }],
      },
    ];
  }

  async #now(): Promise<MetricFamily[]> {
    // The page is worth having also while the disk hangs on something.
    const disk = await this.#gauges.disk().catch(() => null);
    const gauge = (name: string, help: string, value: number): MetricFamily => ({
      type: 'gauge',
      name: `asu_node_${name}`,
      help,
      samples: [{ value }],
    });
    return [
      gauge('builds_running', 'Builds that run now.', this.#running),
      gauge('slots', 'Builds that may run at once.', this.#gauges.slots),
      gauge('unheard_results', 'Ends of builds that the edge has not acknowledged yet.', this.#gauges.unheard()),
      ...(disk === null
        ? []
        : [
            gauge('disk_used_bytes', 'What ImageBuilders, packages and builds take of the budget.', disk.usedBytes),
            gauge('disk_budget_bytes', 'What they may take.', disk.budgetBytes),
          ]),
    ];
  }
}
