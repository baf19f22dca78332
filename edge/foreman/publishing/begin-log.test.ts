/** The log is brought in step while other calls are at it as well, and while nobody calls. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { expect, test, vi } from 'vitest';
import { storeKey } from '../../../shared/build/build-record.ts';
import { headPayload, LOG_START } from '../../../shared/trust/log-record.ts';
import type { CatalogueReader } from '../../catalogue/read.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { RETRY_MS } from '../due-times.ts';
import { bucket, type OpenedForeman, withForeman } from '../foreman.fixture.ts';
import { foremanState } from '../foreman-state.ts';
import * as schema from '../schema.ts';
import { beginLog } from './begin-log.ts';
import { Notary } from './notary.ts';
import { writeLog } from './write-log.ts';

const HASH = 'a'.repeat(64);
let foreman: OpenedForeman;

withForeman(async (opened) => {
  foreman = opened;
  await foreman.buildNothingAhead();
});

/** Whose first answer to `key` waits until it is let go; whatever it takes, it takes until it `isDown`. */
function storeThatHolds(key: string) {
  const objects = new Map<string, Uint8Array>();
  const held = Promise.withResolvers<void>();
  let asked = 0;
  const down = new Set<string>();
  const store = {
    async get(name: string) {
      if (name === key && ++asked === 1) await held.promise;
      const bytes = objects.get(name);
      return bytes
        ? { exists: true, size: bytes.length, etag: '""', body: new Blob([bytes]).stream() }
        : { exists: false };
    },
    async put(name: string, bytes: Uint8Array) {
      if (down.has(name)) throw new Error('it is down');
      objects.set(name, bytes);
    },
  } as unknown as ObjectStore;
  return { store, objects, down, letGo: held.resolve };
}

test('who reads the log slowly takes nothing for written that another call is writing still', async () => {
  await runInDurableObject(foreman.stub, async (_, { storage }) => {
    const { store, objects, down, letGo } = storeThatHolds(storeKey.logHead);
    const notary = await Notary.open(configOf(env).SERVER_KEY);
    const ways = { catalogue: {} as CatalogueReader, cache: env.CACHE, sealing: new Uint8Array(32), store, notary };
    const state = foremanState(drizzle(storage, { schema }), configOf(env), ways);
    const slow = beginLog(state, Date.now());
    await beginLog(state, Date.now());
    state.log.append({
      ...{ requestHash: HASH, attesters: ['n'], policy: { rule: 'trusted', operators: 1 }, at: Date.now(), salt: null },
      subjects: [{ name: 'asu:manifest', digest: { sha256: HASH } }],
    });
    down.add(storeKey.logged(HASH));
    await expect(writeLog(state, Date.now())).rejects.toThrow('it is down');
    letGo();
    await slow;
    down.clear();
    await writeLog(state, Date.now());
    expect([...objects.keys()]).toContain(storeKey.logged(HASH));
  });
});

test('whom the log disowns is dealt with though nobody calls', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const notary = await Notary.open(configOf(env).SERVER_KEY);
  await foreman.node('v', 'op-v', 'volunteer');
  const head = headPayload(LOG_START, Date.now() + 1_000, { ids: ['v'], before: [] });
  await bucket.put(storeKey.logHead, JSON.stringify(await notary.signHead(head)));
  await evictDurableObject(foreman.stub);
  await foreman.calls.stats();
  await expect.poll(() => foreman.rows('disowned'), { timeout: 20_000 }).toEqual([{ node_id: 'v' }]);
  await expect.poll(() => foreman.alarmAt(), { timeout: 20_000 }).toBeLessThanOrEqual(Date.now() + RETRY_MS);
});
