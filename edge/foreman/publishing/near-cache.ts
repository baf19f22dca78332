/**
 * KV as the Foreman writes it, near the routers: answers in time or not at all. What comes of a call that was given up all the same is
 * reckoned with (lifetimes.ts: `callMs`).
 */
import { answerWithin } from '../../storage/answer-within.ts';
import { READING_MS } from '../../storage/object-store.ts';

export type NearCache = Pick<KVNamespace, 'put' | 'delete'>;

export const nearCache = (kv: NearCache): NearCache => ({
  put: (...args) => answerWithin(READING_MS, () => kv.put(...args)),
  delete: (key) => answerWithin(READING_MS, () => kv.delete(key)),
});
