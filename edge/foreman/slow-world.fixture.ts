/**
 * A world in which everything takes its time and nothing is sure: a store and a KV whose calls take as long as a test draws, a KV that
 * says what it held minutes ago, and callers that stop in the middle. Time is virtual: an hour of it takes a moment, and the same draws
 * bring about the same again.
 */
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { LIFETIMES } from '../lifetimes.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** A number from 0 to `max`. */
export type Chance = (max: number) => number;

/** A request calls so often at most, one call after the other; together they take no longer than a request may. */
const CALLS_IN_A_ROW = 4;
const LONGEST_WAIT_MS = LIFETIMES.callMs / CALLS_IN_A_ROW / 2;

class VirtualTime {
  now = 1_800_000_000_000;
  #sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => this.#sleepers.push({ at: this.now + ms, wake }));
  }

  /** Until nobody waits for anything. */
  async run(): Promise<void> {
    for (;;) {
      await scheduler.wait(0);
      const at = Math.min(...this.#sleepers.map((sleeper) => sleeper.at));
      if (at === Number.POSITIVE_INFINITY) return;
      const due = this.#sleepers.filter((sleeper) => sleeper.at === at);
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.at !== at);
      this.now = at;
      for (const { wake } of due) wake();
    }
  }
}

export class Crashed extends Error {
  override readonly name = 'Crashed';
}

/** Who calls. What is left out is drawn. */
export interface Caller {
  /** It stops for good in the call after so many. */
  callsLeft?: number;
  /** Until what is asked for happens, and until the answer is there. */
  readonly waitsMs?: (method: string) => readonly [before: number, after: number];
  /** So old is what KV says. */
  readonly kvAgeMs?: number;
}

export class SlowWorld {
  readonly time = new VirtualTime();
  readonly objects = new Map<string, string>();
  readonly #kv = new Map<string, { readonly at: number; readonly value: string | null }[]>();
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** It has lost what it held, as it may at any time. */
  emptyKv(): void {
    this.#kv.clear();
  }

  store(caller: Caller = {}): ObjectStore {
    const call = this.#callsOf(caller);
    const head = (text: string) => ({ exists: true, size: text.length, etag: '""', sha256: sha256Hex(text) }) as const;
    return {
      head: (key: string) =>
        call('head', () => {
          const text = this.objects.get(key);
          return text === undefined ? { exists: false } : head(text);
        }),
      get: (key: string) =>
        call('get', () => {
          const text = this.objects.get(key);
          return text === undefined ? { exists: false } : { ...head(text), body: new Blob([text]).stream() };
        }),
      put: (key: string, body: Uint8Array) =>
        call('put', () => void this.objects.set(key, new TextDecoder().decode(body))),
      delete: (key: string) => call('delete', () => void this.objects.delete(key)),
    } as unknown as ObjectStore;
  }

  kv(caller: Caller = {}): KVNamespace {
    const call = this.#callsOf(caller);
    const write = (method: string, key: string, value: string | null) =>
      call(method, () => void this.#kv.set(key, [...(this.#kv.get(key) ?? []), { at: this.time.now, value }]));
    return {
      get: (key: string) =>
        call('get', () => {
          const asOf = this.time.now - (caller.kvAgeMs ?? this.#chance(LIFETIMES.kvSettlesMs));
          const value = (this.#kv.get(key) ?? []).findLast(({ at }) => at <= asOf)?.value ?? null;
          return value === null ? null : JSON.parse(value);
        }),
      put: (key: string, value: string) => write('put', key, value),
      delete: (key: string) => write('delete', key, null),
    } as unknown as KVNamespace;
  }

  /** What is asked for happens at some moment of the call; also if the caller is not there any more to hear of it. */
  #callsOf(caller: Caller): <Answer>(method: string, happens: () => Answer) => Promise<Answer> {
    const drawn = () => [this.#chance(LONGEST_WAIT_MS), this.#chance(LONGEST_WAIT_MS)] as const;
    return async (method, happens) => {
      const isLast = caller.callsLeft !== undefined && caller.callsLeft-- <= 0;
      const [before, after] = caller.waitsMs?.(method) ?? drawn();
      await this.time.sleep(before);
      const answer = happens();
      if (isLast) throw new Crashed('stopped in the middle');
      await this.time.sleep(after);
      return answer;
    };
  }
}
