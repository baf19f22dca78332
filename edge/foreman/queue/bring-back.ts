/**
 * Brings the queue back from the store: where the Foreman's tables are new, or older than the store, builds lie there that it knows
 * nothing of. Each is taken on under the name that was given out for it, the eldest first, as far as there is room. What is published is
 * not built again; what is not right is told and stays, for the operator to remove. Done again from the beginning wherever it was broken off.
 */
import { storeKey } from '../../../shared/build/build-record.ts';
import { isSha256Hex } from '../../../shared/crypto/digest.ts';
import { isPrebuild } from '../../../shared/queue/turn.ts';
import { type KeptRequest, MAX_KEPT_BYTES, readKept } from '../../../shared/store/kept-request.ts';
import { logWarning } from '../../log.ts';
import { READING_MS } from '../../storage/object-store.ts';
import { pagesUnder } from '../../storage/pages-under.ts';
import { readText } from '../../storage/read-text.ts';
import type { ForemanState } from '../foreman-state.ts';
import { type BuildRow, isLive } from '../schema.ts';
import { firstFor } from '../trust/decide-build.ts';

const AT_ONCE = 4;

export type BroughtBack =
  | { readonly isAll: true; readonly taken: number }
  /** The queue is full: the rest stays where it is. */
  | { readonly isAll: false; readonly taken: number };

/** `onPage`: there is more to be done. @throws when the store does not answer: to be tried again */
export async function bringBack(
  state: ForemanState,
  now: () => number,
  onPage: () => Promise<void>,
): Promise<BroughtBack> {
  const { kept, config, queue } = state;
  const hashes = await listEldestFirst(state, onPage);
  let taken = 0;
  const refused: { readonly hash: string; readonly reason: string }[] = [];
  for (let at = 0; at < hashes.length; at += AT_ONCE) {
    const page = hashes.slice(at, at + AT_ONCE);
    const read = await Promise.all(page.map((hash) => readOne(state, hash)));
    for (const [place, hash] of page.entries()) {
      if (queue.waiting() >= config.MAX_QUEUE) return { isAll: false, taken };
      const request = read[place] ?? null;
      // It may be these settings that are wrong: what was accepted is not thrown away for that.
      if (request !== null && 'refused' in request) {
        refused.push({ hash, reason: request.refused });
        continue;
      }
      if (request && takeOn(state, hash, request, now())) taken += 1;
      const build = queue.byHash(hash);
      kept.found(hash, build !== undefined && isLive(build));
    }
    if (at + AT_ONCE < hashes.length) await onPage();
  }
  kept.listed(now());
  const [first] = refused;
  if (first)
    logWarning('builds that waited in the store are not taken on, and stay there', {
      ...{ builds: refused.length, first: first.hash, reason: first.reason },
    });
  return { isAll: true, taken };
}

async function listEldestFirst({ kept, store }: ForemanState, onPage: () => Promise<void>): Promise<string[]> {
  const found: { readonly hash: string; readonly at: number }[] = [];
  for await (const { objects, cursor } of pagesUnder(store, kept.prefix)) {
    for (const { key, uploadedAtMs } of objects) {
      const hash = key.slice(kept.prefix.length).replace(/\.json$/, '');
      if (kept.keyOf(hash) === key && isSha256Hex(hash)) found.push({ hash, at: uploadedAtMs });
      else logWarning('an object among those that wait is no build, and is left alone', { key });
    }
    if (cursor !== undefined) await onPage();
  }
  return found.sort((one, other) => one.at - other.at).map(({ hash }) => hash);
}

/** Null where there is nothing to be taken on. */
async function readOne(state: ForemanState, hash: string): Promise<KeptRequest | { readonly refused: string } | null> {
  const { config, kept, queue, sealing, store } = state;
  const known = queue.byHash(hash);
  if (known && !isUnasked(known)) return null;
  if ((await store.head(storeKey.build(hash))).exists) return null;
  const object = await store.get(kept.keyOf(hash));
  if (!object.exists) return null;
  if (object.size > MAX_KEPT_BYTES) {
    await object.body.cancel();
    return { refused: `it has ${object.size} bytes` };
  }
  const read = await readKept(await readText(object.body, READING_MS), hash, sealing, {
    salt: config.IDENTITY_SALT,
    distros: config.DISTROS,
    allowDefaults: config.ALLOW_DEFAULTS,
    maxRootfsSizeMb: config.MAX_CUSTOM_ROOTFS_SIZE_MB,
    repositoryAllowList: config.REPOSITORY_ALLOW_LIST,
  });
  return read.ok ? read.kept : { refused: read.reason };
}

/** False where somebody asked for it meanwhile, or for its successor. What these tables have as a prebuild had been asked for. */
function takeOn(state: ForemanState, hash: string, request: KeptRequest, now: number): boolean {
  return state.db.transaction(() => {
    const known = state.queue.byHash(hash);
    if (known && isUnasked(known)) {
      state.queue.askedFor({ ...request, seenGeneration: 0, clientKey: '' }, known, now);
      return true;
    }
    const newest = state.queue.newest(request.intentHash);
    if (known || (newest && newest.generation >= request.generation)) return false;
    if (newest && isLive(newest)) return false;
    const { generation, enqueuedAt } = request;
    const submission = { ...request, seenGeneration: generation - 1, clientKey: '' };
    state.queue.add(submission, generation, now, firstFor(state, request.request), Math.min(enqueuedAt, now));
    return true;
  });
}

const isUnasked = (build: BuildRow): boolean => isLive(build) && isPrebuild(build);
