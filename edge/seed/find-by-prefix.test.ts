import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { BuildError } from '../../shared/build/build-error.ts';
import { buildRecord } from '../../shared/build/build-record.fixture.ts';
import { type BuildRecord, storeKey } from '../../shared/build/build-record.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { env } from '../edge.fixture.ts';
import { LIFETIMES } from '../lifetimes.ts';
import type { Visit } from '../limits/visit.ts';
import { Results } from '../results/results.ts';
import { openObjectStore } from '../storage/open-object-store.ts';
import { findByPrefix } from './find-by-prefix.ts';
import { KnownPrefixes, prefixKey } from './known-prefixes.ts';

const bucket = env.IMAGES as R2Bucket;
let count = 0;
let hash = '';
let charged: string[] = [];

/** Counts what a visitor pays. */
const visit = (refuse?: 'at once' | 'what costs') =>
  ({
    refuseIfSpent: () => {
      if (refuse === 'at once') throw new BuildError('too_many_requests');
    },
    charge: async (name: string) => {
      if (refuse) throw new BuildError('too_many_requests');
      charged.push(name);
    },
  }) as unknown as Visit;

/** With a memory of its own, as each isolate has. */
function openIsolate() {
  const store = openObjectStore(env);
  const list = vi.spyOn(store, 'list');
  const context = { prefixes: new KnownPrefixes(env.CACHE), results: new Results(env.CACHE, store), store };
  return { context, list, find: (prefix: string) => findByPrefix(context, prefix, visit()) };
}

const publish = (fields: Partial<BuildRecord> = {}): Promise<unknown> => {
  const record = buildRecord({ requestHash: hash, intentHash: sha256Hex(`intent of ${hash}`), ...fields });
  return bucket.put(storeKey.build(record.requestHash), JSON.stringify(record));
};

let now: ReturnType<typeof vi.spyOn>;
beforeEach(() => {
  count += 1;
  hash = sha256Hex(`build ${count}`);
  charged = [];
  now = vi.spyOn(performance, 'now').mockReturnValue(1);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe('a build', () => {
  it.each([15, 32, 63])('is found by the first %i digits of its hash', async (digits) => {
    await publish();
    expect(await openIsolate().find(hash.slice(0, digits))).toBe(hash);
  });

  it('that was found once is known here without KV or store, and is paid for once', async () => {
    await publish();
    const isolate = openIsolate();
    const kv = vi.spyOn(env.CACHE, 'get');
    await isolate.find(hash.slice(0, 32));
    kv.mockClear();
    expect(await isolate.find(hash.slice(0, 32))).toBe(hash);
    expect([isolate.list.mock.calls.length, kv.mock.calls.length, charged]).toEqual([1, 0, ['misses']]);
  });

  it('that was found by another isolate costs one read of KV and nothing else', async () => {
    await publish();
    await openIsolate().find(hash.slice(0, 32));
    charged = [];
    const kv = vi.spyOn(env.CACHE, 'get');
    const next = openIsolate();
    expect(await next.find(hash.slice(0, 32))).toBe(hash);
    expect([next.list.mock.calls, kv.mock.calls.length, charged]).toEqual([[], 1, []]);
  });

  it('made with secrets is found, and KV hears nothing of it', async () => {
    await publish({ private: true, expiresAt: Date.now() + 60_000 });
    expect(await openIsolate().find(hash.slice(0, 32))).toBe(hash);
    expect(await env.CACHE.get(prefixKey(hash.slice(0, 32)))).toBeNull();
    const next = openIsolate();
    await next.find(hash.slice(0, 32));
    expect(next.list).toHaveBeenCalledTimes(1);
  });

  it('whose time is over is none', async () => {
    await publish({ private: true, expiresAt: Date.now() - 1 });
    expect(await openIsolate().find(hash.slice(0, 32))).toBeUndefined();
  });

  it('is the neighbour of nothing: a record that lies under its key and says another name is none', async () => {
    await bucket.put(storeKey.build(hash), JSON.stringify(buildRecord({ requestHash: sha256Hex('other') })));
    expect(await openIsolate().find(hash.slice(0, 32))).toBeUndefined();
  });
});

test('of two builds that share a head neither is told, until it is long enough to tell them apart', async () => {
  const twin = hash.slice(0, 15) + sha256Hex(hash).slice(15);
  await publish();
  await publish({ requestHash: twin });
  expect(await openIsolate().find(hash.slice(0, 15))).toBeUndefined();
  expect(await openIsolate().find(hash.slice(0, 32))).toBe(hash);
  expect(await openIsolate().find(twin.slice(0, 32))).toBe(twin);
});

describe('a head of nothing', () => {
  it('costs the store one question in a moment, however often it is asked', async () => {
    const isolate = openIsolate();
    const kv = vi.spyOn(env.CACHE, 'get');
    for (let times = 0; times < 50; times++) expect(await isolate.find(hash.slice(0, 32))).toBeUndefined();
    expect([isolate.list.mock.calls.length, kv.mock.calls.length, charged]).toEqual([1, 1, ['misses']]);
  });

  it('may be one of a build a moment later', async () => {
    const isolate = openIsolate();
    await isolate.find(hash.slice(0, 32));
    await publish();
    expect(await isolate.find(hash.slice(0, 32))).toBeUndefined();
    now.mockReturnValue(2 + LIFETIMES.unbuiltMs);
    expect(await isolate.find(hash.slice(0, 32))).toBe(hash);
  });

  it.each(['', 'b', '0'.repeat(11), 'A'.repeat(32), '../intents/', '0'.repeat(64), `${'0'.repeat(32)}\n`])(
    '%j is not even asked for',
    async (prefix) => {
      const isolate = openIsolate();
      const kv = vi.spyOn(env.CACHE, 'get');
      expect(await isolate.find(prefix)).toBeUndefined();
      expect([isolate.list.mock.calls, kv.mock.calls]).toEqual([[], []]);
    },
  );
});

describe('who asked too much', () => {
  it('is refused before KV is read', async () => {
    const kv = vi.spyOn(env.CACHE, 'get');
    await expect(findByPrefix(openIsolate().context, hash.slice(0, 32), visit('at once'))).rejects.toThrow(BuildError);
    expect(kv).not.toHaveBeenCalled();
  });

  it('is refused before the store is asked, and that is no "no" for anybody else', async () => {
    await publish();
    const isolate = openIsolate();
    const refused = findByPrefix(isolate.context, hash.slice(0, 32), visit('what costs'));
    await expect(refused).rejects.toThrow(BuildError);
    expect(isolate.list).not.toHaveBeenCalled();
    expect(await isolate.find(hash.slice(0, 32))).toBe(hash);
  });
});

describe('in bad weather', () => {
  beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => undefined));

  it('without KV the store is asked', async () => {
    await publish();
    vi.spyOn(env.CACHE, 'get').mockRejectedValue(new Error('KV GET failed: 500'));
    vi.spyOn(env.CACHE, 'put').mockRejectedValue(new Error('KV PUT failed: 429'));
    expect(await openIsolate().find(hash.slice(0, 32))).toBe(hash);
  });

  it.each(['not a hash', 'f'.repeat(64), '__proto__'])('what KV says is looked at: %s', async (stored) => {
    await publish();
    await env.CACHE.put(prefixKey(hash.slice(0, 32)), stored);
    expect(await openIsolate().find(hash.slice(0, 32))).toBe(hash);
  });

  it('a store that does not answer is no "no"', async () => {
    await publish();
    const isolate = openIsolate();
    isolate.list.mockRejectedValueOnce(new Error('down'));
    await expect(isolate.find(hash.slice(0, 32))).rejects.toThrow('down');
    expect(await isolate.find(hash.slice(0, 32))).toBe(hash);
  });

  it('a page without anything on it is not taken for the last', async () => {
    await publish();
    const isolate = openIsolate();
    isolate.list.mockResolvedValueOnce({ objects: [], cursor: '' });
    expect(await isolate.find(hash.slice(0, 32))).toBe(hash);
  });
});
