/**
 * Which hosts do not answer at the moment. Without it a build of three hundred packages, each with its attempts and timeouts,
 * would wait an hour to learn three hundred times that its mirror is down.
 */
import { performance } from 'node:perf_hooks';

interface Quiet {
  readonly what: string;
  readonly untilMs: number;
  readonly forMs: number;
}

const FIRST_MS = 10_000;
const LONGEST_MS = 80_000;
/** An order names one mirror and a few foreign ones; beyond that, somebody makes up names. */
const MAX_HOSTS = 100;

export class QuietHosts {
  readonly #quiet = new Map<string, Quiet>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Why not to ask it now; null: ask. */
  reason(url: string): string | null {
    const quiet = this.#quiet.get(hostOf(url));
    return quiet !== undefined && this.#nowMs() < quiet.untilMs ? `${quiet.what} (it is asked again soon)` : null;
  }

  /** True where it was quiet the last time: one attempt will tell. */
  isSuspect(url: string): boolean {
    return this.#quiet.has(hostOf(url));
  }

  keptSilent(url: string, what: string): void {
    const host = hostOf(url);
    const before = this.#quiet.get(host);
    const nowMs = this.#nowMs();
    // Of several requests that waited at once, only the first makes it longer.
    if (before !== undefined && nowMs < before.untilMs) return;
    const forMs = before === undefined ? FIRST_MS : Math.min(2 * before.forMs, LONGEST_MS);
    this.#quiet.delete(host);
    this.#quiet.set(host, { what, forMs, untilMs: nowMs + forMs });
    const oldest = this.#quiet.keys().next();
    if (this.#quiet.size > MAX_HOSTS && !oldest.done) this.#quiet.delete(oldest.value);
  }

  answered(url: string): void {
    this.#quiet.delete(hostOf(url));
  }
}

const hostOf = (url: string): string => new URL(url).host;
