/** Opens what the Foreman has when it wakes: its tables, brought up to date, and its ways out. */
import { serverKeys } from '../../shared/crypto/server-keys.ts';
import { catalogueReader } from '../catalogue/read.ts';
import { configOf } from '../config.ts';
import type { Env } from '../env.ts';
import { openObjectStore } from '../storage/open-object-store.ts';
import { openDatabase } from './database.ts';
import { type ForemanState, foremanState } from './foreman-state.ts';
import { nearCache } from './publishing/near-cache.ts';
import { Notary } from './publishing/notary.ts';

/** Call under `blockConcurrencyWhile`. @throws Error naming the variable that is impossible */
export async function openState(ctx: DurableObjectState, env: Env): Promise<ForemanState> {
  const db = await openDatabase(ctx.storage);
  const config = configOf(env);
  const keys = await serverKeys(config.SERVER_KEY);
  const ways = {
    notary: new Notary(keys),
    sealing: keys.sealing,
    catalogue: catalogueReader(env, { waitUntil: (work) => ctx.waitUntil(work) }),
    store: openObjectStore(env),
    cache: nearCache(env.CACHE),
  };
  return foremanState(db, config, ways, ctx.id.name);
}
