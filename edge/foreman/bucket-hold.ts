/**
 * Holds the bucket for this Foreman, or knows that another one does. Asked for at each call that takes work on, and before anything is
 * published; the store is asked when the Foreman wakes and has not asked for a while, and then every few minutes. A store that does
 * not answer changes nothing: who held the bucket holds it still, and who does not know waits with publishing.
 */
import { sha256Hex, utf8ToBytes } from '../../shared/crypto/digest.ts';
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import {
  type BucketHolder,
  belongsToAnother,
  HOLDER_KEY,
  mayHave,
  readHolder,
} from '../../shared/store/bucket-holder.ts';
import { logError, logWarning } from '../log.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { storedText } from '../storage/read-text.ts';
import type { Database } from './database.ts';
import { metaValue, setMeta } from './meta.ts';
import { notLonger } from './not-longer.ts';
import { oneAtATime } from './one-at-a-time.ts';

/** How long what the store said is believed: of a bucket that is held, and of one that is another's. */
export const HELD_MS = 5 * 60_000;
export const REFUSED_MS = 60_000;
/** A call waits so long for a store that hangs. */
export const PATIENCE_MS = 3_000;
/** Names in `meta`: of who this is, and of when the store last said that the bucket is its own. */
const ID = 'foreman_id';
const HELD_AT = 'bucket_held_at';

type Holding =
  | { readonly state: 'unknown' }
  | { readonly state: 'held' }
  | { readonly state: 'refused'; readonly holder: BucketHolder };

export class BucketHold {
  readonly id: string;
  readonly #db: Database;
  readonly #store: Pick<ObjectStore, 'get' | 'put' | 'putIfAbsent'>;
  readonly #settings: Pick<EdgeSettings, 'PUBLIC_URL' | 'TAKES_OVER'>;
  readonly #key: string;
  #holding: Holding;
  /** When the store said so last. */
  #askedAt: number;

  constructor(
    db: Database,
    store: Pick<ObjectStore, 'get' | 'put' | 'putIfAbsent'>,
    settings: Pick<EdgeSettings, 'PUBLIC_URL' | 'TAKES_OVER'>,
    room: string,
  ) {
    this.#db = db;
    this.#store = store;
    this.#settings = settings;
    this.#key = room + HOLDER_KEY;
    this.id = idOf(db);
    const heldAt = metaValue(db, HELD_AT);
    this.#holding = { state: heldAt === undefined ? 'unknown' : 'held' };
    this.#askedAt = heldAt ?? 0;
  }

  /** Why this Foreman takes nothing on, for its operator; null where it may, or where nobody could say yet. */
  get refusal(): string | null {
    return this.#holding.state === 'refused' ? belongsToAnother(this.#holding.holder) : null;
  }

  /** Before work is taken on: `refusal` is then what the store says, if it says something. */
  async settle(now: number): Promise<void> {
    if (!this.#isDue(now)) return;
    const looked = this.#look().catch((error: unknown) => logError('whose the bucket is cannot be told', { error }));
    // What was said a moment ago holds for this call.
    if (this.#holding.state === 'held' && this.#since(now) < 2 * HELD_MS) return;
    await notLonger(looked, PATIENCE_MS);
  }

  /** Before anything is written that readers trust. @throws Error where the bucket is not known to be this one's: to be tried again */
  async assure(now: number): Promise<void> {
    if (this.#isDue(now) && (this.#holding.state !== 'held' || this.#since(now) >= 2 * HELD_MS))
      await this.#look().catch((error: unknown) => {
        // It may well be away for what is to be written next as well; whose the bucket is has not changed by that.
        if (this.#holding.state !== 'held') throw error;
      });
    else await this.settle(now);
    if (this.#holding.state !== 'held') throw new Error(this.refusal ?? 'whose the bucket is is not known yet');
  }

  #isDue(now: number): boolean {
    const { state } = this.#holding;
    // Of a clock that was set back the distance counts as well.
    return state === 'unknown' || this.#since(now) >= (state === 'held' ? HELD_MS : REFUSED_MS);
  }

  #since(now: number): number {
    return Math.abs(now - this.#askedAt);
  }

  readonly #look = oneAtATime(async () => {
    const holder = (await this.#read()) ?? (await this.#claim());
    const may = mayHave(holder, this.id, this.#settings.TAKES_OVER);
    if (may === 'takes it') {
      const bytes = this.#own();
      await this.#store.put(this.#key, bytes, { size: bytes.length, sha256: sha256Hex(bytes) });
      logWarning('this edge has taken the bucket over', { edge: this.id, from: holder.id });
    }
    this.#askedAt = Date.now();
    if (may === 'no') {
      if (this.#holding.state !== 'refused') logError(belongsToAnother(holder));
      this.#holding = { state: 'refused', holder };
    } else {
      this.#holding = { state: 'held' };
      setMeta(this.#db, HELD_AT, this.#askedAt);
    }
  });

  /** Of the two that come at once to a bucket that is nobody's, one reads its own name afterwards. */
  async #claim(): Promise<BucketHolder> {
    const bytes = this.#own();
    await this.#store.putIfAbsent(this.#key, bytes, { size: bytes.length, sha256: sha256Hex(bytes) });
    const holder = await this.#read();
    if (!holder) throw new Error(`${this.#key} was stored and is not there`);
    return holder;
  }

  async #read(): Promise<BucketHolder | null> {
    const text = await storedText(this.#store, this.#key);
    if (text === null) return null;
    const holder = readHolder(text);
    if (!holder) throw new Error(`${this.#key} in the store is not what an edge writes: look at it, and remove it`);
    return holder;
  }

  #own(): Uint8Array {
    const { PUBLIC_URL: name } = this.#settings;
    return utf8ToBytes(JSON.stringify({ format: 1, id: this.id, since: Date.now(), name } satisfies BucketHolder));
  }
}

/** Made once for these tables: they are what makes a Foreman this one and no other. */
function idOf(db: Database): string {
  const known = metaValue(db, ID);
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  const id = known ?? (high >>> 12) * 2 ** 32 + low;
  if (known === undefined) setMeta(db, ID, id);
  return id.toString(16).padStart(13, '0');
}
