/**
 * Puts builds that wait into the store, and removes those that are over: one after the other, so that none is put behind its own
 * removal. What fails is done again; what was put twice is the same.
 */
import { sha256Hex, utf8ToBytes } from '../../../shared/crypto/digest.ts';
import { keptText } from '../../../shared/store/kept-request.ts';
import type { ForemanState } from '../foreman-state.ts';
import { isLive } from '../schema.ts';

/** A long queue is kept page by page; the store has other callers. */
const PAGE = 32;
const AT_ONCE = 2;
const PAGES = 16;

/** @throws when the store does not answer: to be tried again */
export async function keepRequests(state: ForemanState, now: () => number): Promise<void> {
  const { kept, store } = state;
  for (let page = 0; page < PAGES; page += 1) {
    const over = kept.ended(PAGE);
    await each(over, (hash) => store.delete(kept.keyOf(hash)));
    kept.removed(over);
    const due = kept.due(now(), PAGE);
    await each(due, ({ requestHash }) => putOne(state, requestHash));
    const last = due.at(-1);
    if (last) kept.advance(last.sequence);
    if (over.length < PAGE && due.length < PAGE) return;
  }
}

async function putOne({ kept, queue, sealing, store }: ForemanState, requestHash: string): Promise<void> {
  const build = queue.byHash(requestHash);
  if (!build || !isLive(build) || !kept.begin(requestHash)) return;
  const text = await keptText(build, sealing, crypto.getRandomValues(new Uint8Array(12)));
  const bytes = utf8ToBytes(text);
  const expected = { size: bytes.length, sha256: sha256Hex(bytes), contentType: 'application/json' };
  await store.put(kept.keyOf(requestHash), bytes, expected);
  kept.put(requestHash);
}

async function each<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += AT_ONCE) await Promise.all(items.slice(at, at + AT_ONCE).map(work));
}
