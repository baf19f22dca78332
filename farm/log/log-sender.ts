/**
 * Sends the log of one build, piece by piece, while it is made. A log is for those who look on; whatever becomes of it, the
 * build goes its way: nothing here throws, waits for long at the end, or keeps more than a log may have.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LOG_LIMITS } from '../../shared/build/build-log.ts';
import { backoffMs, pause } from '../backoff.ts';
import { REST_LEFT_OUT } from './line-collector.ts';

export interface LogSenderOptions {
  /** Stores one piece, or says why it never will; throws where it is worth another try. */
  readonly put: (piece: number, text: string, signal: AbortSignal) => Promise<{ readonly refused: string | null }>;
  /** Between two pieces of a build that has just begun. */
  readonly paceMs: number;
  /** Called at most once: this log, or what is left of it, will not be told. */
  readonly onLost: (reason: string) => void;
}

/** After so many pieces the pace is halved: a build of two hours has a log as well as one of a minute. */
const HALVED_AFTER = 16;
/** For what is printed together. */
const GATHER_MS = 500;

export class LogSender {
  readonly #options: LogSenderOptions;
  readonly #stop = new AbortController();
  /** Aborts when nothing more is printed, or nobody wants it: no more reason to wait. */
  readonly #hurry = new AbortController();
  readonly #sent: Promise<void>;
  #waiting: string[] = [];
  #news = Promise.withResolvers<void>();

  constructor(options: LogSenderOptions) {
    this.#options = options;
    this.#stop.signal.addEventListener('abort', () => this.#hurry.abort());
    this.#hurry.signal.addEventListener('abort', () => this.#news.resolve());
    this.#sent = this.#run().catch((error) => this.#lose(String(error)));
  }

  add(lines: readonly string[]): void {
    if (this.#stop.signal.aborted) return;
    // One by one: so many arguments as a chunk may have empty lines are more than some stacks hold.
    for (const line of lines) this.#waiting.push(line);
    this.#news.resolve();
  }

  /** Sends what is left, for `withinMs` at most. */
  async finish(withinMs: number): Promise<void> {
    this.#hurry.abort();
    const patience = new AbortController();
    const late = sleep(withinMs, 'late', { signal: patience.signal }).catch(() => undefined);
    if ((await Promise.race([this.#sent, late])) === 'late') this.#lose('the edge did not take it in time');
    patience.abort();
  }

  /** Nobody wants the rest. */
  drop(): void {
    this.#waiting = [];
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { paceMs } = this.#options;
    for (let piece = 1; piece <= LOG_LIMITS.pieces && !this.#stop.signal.aborted; piece += 1) {
      if (this.#waiting.length === 0) {
        if (this.#hurry.signal.aborted) return;
        await this.#news.promise;
        await pause(Math.min(GATHER_MS, paceMs), this.#hurry.signal);
      }
      if (this.#waiting.length === 0) return;
      await this.#send(piece, this.#take(piece === LOG_LIMITS.pieces));
      await pause(paceMs * 2 ** Math.floor(piece / HALVED_AFTER), this.#hurry.signal);
    }
    this.#waiting = [];
  }

  /** As many whole lines as a piece holds. */
  #take(isLast: boolean): string {
    const most = LOG_LIMITS.pieceBytes - Buffer.byteLength(`${REST_LEFT_OUT}\n`);
    let sizeBytes = 0;
    const end = this.#waiting.findIndex((line) => {
      sizeBytes += Buffer.byteLength(line) + 1;
      return sizeBytes > most;
    });
    const lines = this.#waiting.splice(0, end < 0 ? this.#waiting.length : Math.max(end, 1));
    if (isLast && lines.at(-1) !== REST_LEFT_OUT) lines.push(REST_LEFT_OUT);
    this.#news = Promise.withResolvers();
    return `${lines.join('\n')}\n`;
  }

  /** The same bytes until they are there: an answer may have been lost, and a piece is written once. */
  async #send(piece: number, text: string): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      try {
        const { refused } = await this.#options.put(piece, text, this.#stop.signal);
        if (refused !== null) this.#lose(refused);
        return;
      } catch {
        failures += 1;
        await pause(backoffMs(failures, Math.random(), 500, 10_000), this.#stop.signal);
      }
    }
  }

  #lose(reason: string): void {
    if (!this.#stop.signal.aborted) this.#options.onLost(reason);
    this.drop();
  }
}
