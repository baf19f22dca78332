/**
 * The build behind the head of its hash, which is what paths and pages of the old API have of it. The records lie in the store
 * under their whole hash, so a listing finds it: nothing is written for it when a build is published. Where two builds share a
 * head, which can be brought about for 15 digits, neither is told: the first of them would be anybody's choice but the asker's.
 */
import type { EdgeContext } from '../edge-context.ts';
import type { Visit } from '../limits/visit.ts';
import { resultKey } from '../results/result-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { pagesUnder } from '../storage/pages-under.ts';

/** A listing of anything shorter would be one of many builds. */
const PREFIX = /^[0-9a-f]{12,63}$/;

/**
 * The whole hash of the one build whose hash begins so; undefined where there is none, or more than one.
 * @throws BuildError `too_many_requests`; what the store throws
 */
export async function findByPrefix(
  context: Pick<EdgeContext, 'prefixes' | 'results' | 'store'>,
  prefix: string,
  visit: Visit,
): Promise<string | undefined> {
  if (!PREFIX.test(prefix)) return undefined;
  const { prefixes, results, store } = context;
  const held = prefixes.inMemory(prefix);
  if (held !== undefined) return held ?? undefined;
  visit.refuseIfSpent('misses');
  const near = await prefixes.fromCache(prefix);
  if (near !== undefined) return near;
  await visit.charge('misses');
  const [hash, another] = await buildsUnder(store, prefix);
  // The record is what is wanted next, and says whether KV may hear of it.
  const built =
    hash === undefined || another !== undefined
      ? undefined
      : (results.inMemory(resultKey.build(hash)) ?? (await results.fetchableFromStore(hash, Date.now())));
  if (hash === undefined || built?.kind !== 'built') {
    prefixes.leadsNowhere(prefix);
    return undefined;
  }
  prefixes.leadsTo(prefix, hash);
  if (!built.record.private) await prefixes.toCache(prefix, hash);
  return hash;
}

/** The first two at most. */
async function buildsUnder(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const hashes: string[] = [];
  for await (const { objects } of pagesUnder(store, `builds/${prefix}`, 2)) {
    for (const { key } of objects) {
      const hash = /^builds\/([0-9a-f]{64})\.json$/.exec(key)?.[1];
      if (hash !== undefined) hashes.push(hash);
    }
    if (hashes.length >= 2) break;
  }
  return hashes;
}
