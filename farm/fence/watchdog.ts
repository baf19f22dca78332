/**
 * Looks at a sandbox four times a second and says when it uses more than it may. Limits of the kernel are not enough: that
 * of processes does not bind root, none binds the memory or the disk of many processes together, and cgroups are often not
 * ours to write.
 */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { diskUsage } from '../disk/disk-usage.ts';
import type { Bounds, Overrun, Peaks } from './bounds.ts';
import { sampleTree } from './process-tree.ts';

export interface Watched {
  /** The sandbox's first process, by the number that we know it by. */
  readonly pid: number;
  /** All that it can write to lies below. */
  readonly workspace: string;
  /** Told each time that it was counted. */
  readonly onDiskBytes?: ((bytes: number) => void) | undefined;
}

const SAMPLE_MS = 250;
/** Between two looks at every file of the workspace; free space is looked at with each sample. */
const DISK_MS = 2000;

export class Watchdog {
  readonly #watched: Watched;
  readonly #bounds: Bounds;
  readonly #onOverrun: (overrun: Overrun) => void;
  readonly #stopping = new AbortController();
  readonly #stopped: Promise<unknown>;
  #peaks: Peaks = { memoryBytes: 0, processes: 0, diskBytes: 0 };

  /** `onOverrun` is called at most once. Never throws: what cannot be looked at is looked at again. */
  constructor(watched: Watched, bounds: Bounds, onOverrun: (overrun: Overrun) => void) {
    this.#watched = watched;
    this.#bounds = bounds;
    this.#onOverrun = onOverrun;
    this.#stopped = Promise.all([
      this.#repeat(SAMPLE_MS, async () => this.#lookAtProcesses() ?? (await this.#lookAtFileSystem())),
      this.#repeat(DISK_MS, () => this.#lookAtWorkspace()),
    ]);
  }

  get peaks(): Peaks {
    return this.#peaks;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#stopped;
  }

  async #repeat(everyMs: number, look: () => Promise<Overrun | null>): Promise<void> {
    const { signal } = this.#stopping;
    let tookMs = 0;
    while (!signal.aborted) {
      // A look that takes long, because there are many files, is not taken more often than every other moment.
      await sleep(Math.max(everyMs, tookMs), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const startedMs = performance.now();
      const overrun = await look().catch(() => null);
      tookMs = performance.now() - startedMs;
      if (overrun === null || signal.aborted) continue;
      this.#stopping.abort();
      this.#onOverrun(overrun);
    }
  }

  #lookAtProcesses(): Overrun | null {
    const { processes, memoryBytes } = sampleTree(this.#watched.pid, this.#bounds.processes);
    this.#seen({ processes, memoryBytes });
    return (
      above('processes', this.#bounds.processes, processes) ??
      above('memory', this.#bounds.memoryBytes, memoryBytes) ??
      below('machine memory', this.#bounds.availableMemoryBytes, availableMemoryBytes())
    );
  }

  async #lookAtFileSystem(): Promise<Overrun | null> {
    const { bavail, bsize, files, ffree } = await statfs(this.#watched.workspace);
    return (
      below('free space', this.#bounds.freeBytes, bavail * bsize) ??
      // A file system that makes room for files as it goes says that it has none at all.
      below('free files', this.#bounds.freeFiles, files === 0 ? Number.POSITIVE_INFINITY : ffree)
    );
  }

  async #lookAtWorkspace(): Promise<Overrun | null> {
    const diskBytes = await diskUsage(this.#watched.workspace, this.#stopping.signal);
    if (diskBytes === null) return null;
    this.#seen({ diskBytes });
    this.#watched.onDiskBytes?.(diskBytes);
    return above('disk', this.#bounds.diskBytes, diskBytes);
  }

  #seen(seen: Partial<Peaks>): void {
    const peak = (name: keyof Peaks): number => Math.max(this.#peaks[name], seen[name] ?? 0);
    this.#peaks = { memoryBytes: peak('memoryBytes'), processes: peak('processes'), diskBytes: peak('diskBytes') };
  }
}

const above = (bound: Overrun['bound'], limit: number, got: number): Overrun | null =>
  got > limit ? { bound, limit, got } : null;

const below = (bound: Overrun['bound'], limit: number, got: number): Overrun | null =>
  got < limit ? { bound, limit, got } : null;

function availableMemoryBytes(): number {
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1];
  return available === undefined ? Number.POSITIVE_INFINITY : Number(available) * 1024;
}
