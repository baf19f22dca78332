/**
 * KV as the Foreman writes it, near the routers. What comes of a call that was given up all the same is reckoned with (lifetimes.ts:
 * `callMs`). Of the object's six connections a KV that hangs has four at most, and what is to be deleted waits behind no put.
 */
import { answerWithin } from '../../storage/answer-within.ts';
import { READING_MS } from '../../storage/object-store.ts';
import { FewAtOnce } from './few-at-once.ts';

export interface NearCache {
  /** Waits for its turn for however long that takes, unless there is no room for it. */
  put(key: string, value: string, options?: KVNamespacePutOptions): Promise<void>;
  /** Answers in time or not at all. */
  delete(key: string): Promise<void>;
}

/** Of puts, and as many of deletions. */
const AT_ONCE = 2;
/** Some thousand images, or hundred failures with what they printed. */
const MOST_WAITING = 16 * 1024 * 1024;

export function nearCache(kv: NearCache): NearCache {
  const [puts, deletions] = [new FewAtOnce(AT_ONCE, MOST_WAITING), new FewAtOnce(AT_ONCE, MOST_WAITING)];
  return {
    put: (key, value, options) => puts.run(key, () => kv.put(key, value, options), value.length),
    delete: (key) => {
      // It would come back for ever, longer after this than anybody reckons with.
      puts.drop(key);
      return answerWithin(READING_MS, () => deletions.run(key, () => kv.delete(key), key.length));
    },
  };
}
