/**
 * The pieces of builds' logs as listeners read them, nearest copy first: isolate memory, then the object store. Also that a
 * piece is not there yet is remembered for a moment, since it is what every listener of a running build asks for next.
 */
import { LRUCache } from 'lru-cache';
import { LOG_LIMITS, logLines } from '../../shared/build/build-log.ts';
import { storeKey } from '../../shared/build/build-record.ts';
import { LIFETIMES } from '../lifetimes.ts';
import { AskingTurns, askInTurn } from '../results/ask-in-turn.ts';
import { type ObjectStore, READING_MS } from '../storage/object-store.ts';
import { readText } from '../storage/read-text.ts';

/** Null: there is no such piece, or none yet. */
type Piece = { readonly text: string } | null;

export class LogPieces {
  readonly #store: ObjectStore;
  readonly #turns = new AskingTurns();
  readonly #written = new LRUCache<string, { readonly text: string }>({
    maxSize: LIFETIMES.logsInMemoryBytes,
    sizeCalculation: ({ text }) => 200 + 2 * text.length,
    ttl: LIFETIMES.resultInMemoryMs,
    ttlResolution: 0,
  });
  readonly #missing = new LRUCache<string, true>({ max: 10_000, ttl: LIFETIMES.runningMs, ttlResolution: 0 });

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /**
   * The lines of a piece, as they may be shown; null where there is none. `isOver`: nothing is written any more, so what was
   * missing a moment ago is asked for once more, and then is missing for good.
   * @throws what the store throws; the signal's reason
   */
  async read(leaseId: string, piece: number, isOver: boolean, signal: AbortSignal): Promise<string | null> {
    if (piece > LOG_LIMITS.pieces) return null;
    const key = storeKey.log(leaseId, piece);
    const missing = isOver ? `${key} for good` : key;
    const held = (): Piece | undefined => this.#written.get(key) ?? (this.#missing.has(missing) ? null : undefined);
    const found = await askInTurn(this.#turns, key, held, () => this.#ask(key, missing, isOver), signal);
    return found?.text ?? null;
  }

  async #ask(key: string, missing: string, isOver: boolean): Promise<Piece> {
    const object = await this.#store.get(key);
    if (object.exists && object.size <= LOG_LIMITS.pieceBytes) {
      const piece = { text: logLines(await readText(object.body, READING_MS)).join('\n') };
      this.#written.set(key, piece);
      return piece;
    }
    if (object.exists) await object.body.cancel();
    this.#missing.set(missing, true, { ttl: isOver ? LIFETIMES.resultInMemoryMs : LIFETIMES.runningMs });
    return null;
  }
}
