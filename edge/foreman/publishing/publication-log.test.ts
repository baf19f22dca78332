/**
 * The log of what was published, as anybody reads it. Whatever breaks while an image is published, and whenever the Foreman is
 * evicted, there is one record for each image in the end and one unbroken chain.
 */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterAll, afterEach, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { storeKey } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import {
  faultOfChain,
  LOG_START,
  type LogHead,
  type LogRecord,
  type ReadRecord,
  readHead,
  readRecord,
} from '../../../shared/trust/log-record.ts';
import { type Check, verifyImage } from '../../../shared/trust/verify-image.ts';
import { configOf } from '../../config.ts';
import { ask, env, foremanStub, GOOD_REQUEST, jsonOf, openUpstream, post, rowsOf } from '../../edge.fixture.ts';
import {
  edgeKeys,
  type FarmNode,
  fileOf,
  IMAGE_NAME,
  joinNode,
  lease,
  report,
  succeeded,
  upload,
} from '../../nodes/farm-node.fixture.ts';
import { resultKey } from '../../results/result-key.ts';
import { AHEAD, bucket, meteredDatabase, plansOf } from '../foreman.fixture.ts';
import { PublicationLog } from './publication-log.ts';

const edgeKey = edgeKeys.signing.publicKey;
let node: FarmNode;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
  await openUpstream();
  node = await joinNode(1);
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => {
  vi.useRealTimers();
});

let wishes = 0;

/** Ordered and uploaded, but not reported. */
async function upToReport(fields: object = {}) {
  const wish = { ...GOOD_REQUEST, packages: [`wish-${++wishes}`], ...fields };
  const hash = String((await jsonOf(await post(wish))).request_hash);
  const order = await lease(node);
  if (order?.requestHash !== hash) throw new Error(`expected an order for ${hash}, got ${order?.requestHash}`);
  const image = `image of ${hash}`;
  await upload(node, order.leaseId, IMAGE_NAME, image);
  return { hash, leaseId: order.leaseId, image, file: fileOf(IMAGE_NAME, image) };
}

type Ordered = Awaited<ReturnType<typeof upToReport>>;

const reportIt = ({ leaseId, file }: Ordered) => report(node, leaseId, 1, succeeded([file]));

const stateOf = async (hash: string) =>
  (await rowsOf(foremanStub(), 'builds')).find(({ request_hash }) => request_hash === hash)?.state;
const isAllWritten = async () => (await rowsOf(foremanStub(), 'log')).every(({ written }) => written === 1);

/** Alarms, at their times, until everything is told. */
async function settle(hash: string): Promise<void> {
  await vi.waitFor(
    async () => {
      if ((await stateOf(hash)) === 'done' && (await isAllWritten())) return;
      const at = await runInDurableObject(foremanStub(), (_, state) => state.storage.getAlarm());
      if (at !== null) {
        vi.setSystemTime(Math.max(Date.now(), at));
        await runDurableObjectAlarm(foremanStub());
      }
      throw new Error(`${hash} is ${await stateOf(hash)}`);
    },
    { timeout: 30_000 },
  );
}

async function published(fields: object = {}): Promise<Ordered> {
  const ordered = await upToReport(fields);
  await reportIt(ordered);
  await settle(ordered.hash);
  return ordered;
}

const provenanceOf = async (hash: string) => jsonOf(await ask(`/api/v1/build/${hash}/provenance`));

async function head(): Promise<LogHead> {
  const read = await readHead(await jsonOf(await ask('/log/head')), edgeKey);
  if (!read.ok) throw new Error(read.reason);
  return read.value;
}

/** All of it, as its readers see it. */
async function wholeLog(): Promise<{ readonly head: LogHead; readonly records: readonly ReadRecord[] }> {
  const last = await head();
  const records: ReadRecord[] = [];
  for (let number = 1; number <= last.sequence; number += 1) {
    const read = await readRecord(await jsonOf(await ask(`/log/${number}`)), edgeKey);
    if (!read.ok) throw new Error(`record ${number}: ${read.reason}`);
    records.push(read);
  }
  return { head: last, records };
}

const recordsOf = (records: readonly ReadRecord[], hash: string): LogRecord[] =>
  records.map(({ record }) => record).filter((record) => 'request_hash' in record && record.request_hash === hash);

async function failures(hash: string, image: string): Promise<Check[]> {
  const { checks } = await verifyImage({
    imageSha256: sha256Hex(image),
    provenance: await provenanceOf(hash),
    edgeKey,
  });
  return checks.filter(({ ok }) => !ok);
}

test('nothing is told before anything was published', async () => {
  expect((await ask('/log/head')).status).toBe(404);
  expect((await ask('/log/1')).status).toBe(404);
});

describe('a published image', () => {
  it('can be checked by what its builder and the edge signed, and its record is in the log', async () => {
    const { hash, image } = await published();
    expect(await failures(hash, image)).toEqual([]);
    expect(await failures(hash, `${image}!`)).toMatchObject([{ check: 'image' }]);
    const { records, head } = await wholeLog();
    expect(faultOfChain(LOG_START, records, head)).toBeNull();
    expect(recordsOf(records, hash)).toMatchObject([
      {
        subjects: [{ name: IMAGE_NAME, digest: { sha256: sha256Hex(image) } }, { name: 'asu:manifest' }],
        attesters: [node.id],
        policy: { rule: 'trusted', operators: 1 },
      },
    ]);
  });

  it('can be checked with every record of the log behind it', async () => {
    const { hash, image } = await published();
    await published();
    const provenance = await provenanceOf(hash);
    const { sequence } = provenance.log as { sequence: number };
    const last = await head();
    const behind = [];
    for (let number = sequence + 1; number <= last.sequence; number += 1)
      behind.push(await jsonOf(await ask(`/log/${number}`)));
    const log = { head: await jsonOf(await ask('/log/head')), behind };
    const { checks } = await verifyImage({ imageSha256: sha256Hex(image), provenance, edgeKey, log });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.at(-1)).toMatchObject({ check: 'log' });
  });

  it('leaves nothing in the tables but the last record', async () => {
    await published();
    expect(await rowsOf(foremanStub(), 'statements')).toEqual([]);
    expect(await rowsOf(foremanStub(), 'log')).toHaveLength(1);
  });

  it('is told with headers by which caches keep what never changes, and only that', async () => {
    const { hash } = await published();
    const cached = async (path: string) => (await ask(path)).headers.get('cache-control');
    expect(await cached('/log/1')).toContain('immutable');
    expect(await cached('/log/head')).toBe('public, max-age=60');
    expect(await cached(`/api/v1/build/${hash}/provenance`)).toBe('public, max-age=60');
  });
});

describe('an image with `defaults`', () => {
  it('can be checked by who has its hash; the log says nothing of it to others, and its end takes both ways to it away', async () => {
    const { hash, image } = await published({ defaults: 'hunter2' });
    const answer = await ask(`/api/v1/build/${hash}/provenance`);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const text = await answer.text();
    expect(text).toContain('"salt":"');
    expect(text).not.toContain('hunter2');
    expect(await failures(hash, image)).toEqual([]);
    const { records } = await wholeLog();
    expect(Object.keys(records.at(-1)?.record ?? {})).toContain('withheld');
    for (const secret of [hash, sha256Hex(image), IMAGE_NAME])
      expect(JSON.stringify(records.at(-1))).not.toContain(secret);

    vi.setSystemTime(Date.now() + (configOf(env).PRIVATE_IMAGE_HOURS + 1) * 3_600_000);
    await runDurableObjectAlarm(foremanStub());
    await vi.waitFor(async () => expect((await ask(`/api/v1/build/${hash}/provenance`)).status).toBe(404), EVENTUALLY);
    for (const key of [storeKey.statements(hash), storeKey.logged(hash)]) expect(await bucket.head(key)).toBeNull();
    const after = await wholeLog();
    expect(after.records).toEqual(records);
    node = await joinNode(++seed);
  });
});

let seed = 1;

it('is asked by index, and nothing is sorted, however many nodes and records there are', async () => {
  const plans = await plansOf(foremanStub(), (db) => {
    const log = new PublicationLog(db);
    log.isBehind();
    log.last();
    log.disowned();
  });
  // The last record is the first that a walk from the end meets; and all that are gone through now are wanted.
  for (const plan of plans) expect(plan).toMatch(/USING (COVERING )?INDEX|^SCAN (log|disowned)$/);
});

it('reads as many rows to see that all is told, however many nodes were ever put out', async () => {
  const read = await runInDurableObject(foremanStub(), (_, { storage }) => {
    const { db, rowsRead } = meteredDatabase(storage);
    const rows = () => {
      new PublicationLog(db).isBehind();
      return rowsRead();
    };
    const before = rows();
    storage.sql.exec(
      `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 500)
       INSERT INTO nodes (id, public_key, name, operator, tier, state, state_since, disowned_up_to, joined_at, last_seen_at)
       SELECT 'gone-' || n, 'k', 'n', 'op', 'volunteer', 'revoked', n, n, 0, 0 FROM numbers`,
    );
    const after = rows();
    storage.sql.exec("DELETE FROM nodes WHERE id LIKE 'gone-%'");
    return { before, after };
  });
  expect(read.after).toBe(read.before);
});

describe('broken off at any write, and evicted there,', () => {
  // Its manifest is there already, as of the images before.
  const WRITES = ['the statements', 'the record', 'the pointer', 'the log', 'where in it', 'its head'];

  /** From its nth write on the store takes nothing. */
  async function brokenOff(at: number): Promise<Ordered> {
    const ordered = await upToReport();
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const put = bucket.put.bind(bucket);
    let writes = 0;
    const down = vi.spyOn(bucket, 'put').mockImplementation(((...words: Parameters<R2Bucket['put']>) => {
      if (writes++ >= at) throw new Error('R2 put failed');
      return put(...words);
    }) as R2Bucket['put']);
    await reportIt(ordered);
    await vi.waitFor(() => expect(writes).toBeGreaterThan(at), EVENTUALLY);
    await evictDurableObject(foremanStub());
    down.mockRestore();
    log.mockRestore();
    return ordered;
  }

  it.each(WRITES.map((name, at) => [name, at] as const))('%s: one record and one chain in the end', async (_, at) => {
    const ordered = await brokenOff(at);
    await settle(ordered.hash);
    await published();
    const { records, head } = await wholeLog();
    expect(faultOfChain(LOG_START, records, head)).toBeNull();
    expect(recordsOf(records, ordered.hash)).toHaveLength(1);
    expect(await failures(ordered.hash, ordered.image)).toEqual([]);
  });
});

describe('with its tables lost', () => {
  it('the log goes on behind the last record that the store has', async () => {
    const before = await published();
    // A record that its head was not yet written for.
    const headBefore = await (await bucket.get(storeKey.logHead))?.text();
    const second = await published();
    await bucket.put(storeKey.logHead, headBefore ?? '');
    await runInDurableObject(foremanStub(), (_, { storage }) => {
      storage.sql.exec('DELETE FROM log');
    });
    await published();
    const { records, head } = await wholeLog();
    expect(faultOfChain(LOG_START, records, head)).toBeNull();
    for (const { hash } of [before, second]) expect(recordsOf(records, hash)).toHaveLength(1);
  });

  it('nothing is published over a log of somebody else', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const own = (await (await bucket.get(storeKey.logHead))?.text()) ?? '';
    await bucket.put(storeKey.logHead, own.replace(/"sig":"..../, '"sig":"AAAA'));
    await runInDurableObject(foremanStub(), (_, { storage }) => {
      storage.sql.exec('DELETE FROM log');
    });
    const ordered = await upToReport();
    await reportIt(ordered);
    await vi.waitFor(
      () => expect(JSON.stringify(log.mock.calls)).toContain('move what is below log/ away'),
      EVENTUALLY,
    );
    expect(await stateOf(ordered.hash)).toBe('publishing');
    // Nor is it there for whoever asks the store or KV.
    expect(await bucket.head(storeKey.build(ordered.hash))).toBeNull();
    expect(await env.CACHE.get(resultKey.build(ordered.hash))).toBeNull();
    await bucket.put(storeKey.logHead, own);
    await settle(ordered.hash);
    expect(await failures(ordered.hash, ordered.image)).toEqual([]);
  });
});

describe('what a node had vouched for when it was found to lie', () => {
  const act = (action: string) =>
    ask(`/api/v1/admin/nodes/${node.id}/${action}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${configOf(env).ADMIN_KEY}` },
    });
  /** Trusted nodes are not found to lie; here one is as if it were. */
  const foundToLie = () =>
    runInDurableObject(foremanStub(), (_, { storage }) => {
      const liar = "UPDATE nodes SET state = 'quarantined', state_by = 'foreman', state_since = ? WHERE id = ?";
      storage.sql.exec(liar, Date.now(), node.id);
      storage.sql.exec('INSERT INTO disowned VALUES (?)', node.id);
    });
  const verdictOn = async (hash: string, image: string) => {
    const provenance = await provenanceOf(hash);
    const own = (provenance.log as { sequence: number }).sequence;
    const { sequence } = await head();
    const behind = await Promise.all(
      Array.from({ length: sequence - own }, async (_, at) => jsonOf(await ask(`/log/${own + 1 + at}`))),
    );
    const log = { head: await jsonOf(await ask('/log/head')), behind };
    const { checks } = await verifyImage({ imageSha256: sha256Hex(image), provenance, edgeKey, log });
    return checks.filter(({ ok }) => !ok).map(({ check }) => check);
  };

  it('is not good again once it is released, and what it makes then is', async () => {
    const { hash, image } = await published();
    await foundToLie();
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(foremanStub());
      expect((await head()).disowned).toEqual([node.id]);
      expect(await rowsOf(foremanStub(), 'disowned')).toEqual([]);
    }, EVENTUALLY);
    expect(await verdictOn(hash, image)).toEqual(['nodes']);
    expect((await act('release')).status).toBe(200);
    await vi.waitFor(async () => expect((await head()).disowned).toEqual([]), EVENTUALLY);
    expect(await verdictOn(hash, image)).toEqual(['nodes']);
    const { sequence } = await head();
    expect((await head()).disowned_before).toEqual([{ node: node.id, sequence }]);
    const after = await published();
    expect(await verdictOn(after.hash, after.image)).toEqual([]);
    expect(await verdictOn(hash, image)).toEqual(['nodes']);
  });

  it('is not good again where it is released before all of that was gone through', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { hash, image } = await published();
    await foundToLie();
    const down = vi.spyOn(bucket, 'get').mockRejectedValue(new Error('R2 get failed'));
    expect((await act('release')).status).toBe(200);
    await runDurableObjectAlarm(foremanStub());
    expect((await rowsOf(foremanStub(), 'disowned')).map((row) => row.node_id)).toEqual([node.id]);
    down.mockRestore();
    await vi.waitFor(async () => expect((await head()).disowned).toEqual([node.id]), EVENTUALLY);
    expect(await verdictOn(hash, image)).toEqual(['nodes']);
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(foremanStub());
      expect((await head()).disowned).toEqual([]);
    }, EVENTUALLY);
    expect(await verdictOn(hash, image)).toEqual(['nodes']);
    log.mockRestore();
  });
});

test('a node that is revoked is told with the head, though nothing is published any more', async () => {
  const { hash, image } = await published();
  expect((await head()).disowned).toEqual([]);
  const headers = { authorization: `Bearer ${configOf(env).ADMIN_KEY}` };
  const answer = await ask(`/api/v1/admin/nodes/${node.id}/revoke`, { method: 'POST', headers });
  expect(answer.status).toBe(200);
  await vi.waitFor(async () => expect((await head()).disowned).toEqual([node.id]), EVENTUALLY);
  const log = { head: await jsonOf(await ask('/log/head')), behind: [] };
  const provenance = await provenanceOf(hash);
  const { checks } = await verifyImage({ imageSha256: sha256Hex(image), provenance, edgeKey, log });
  expect(checks.filter(({ ok }) => !ok)).toMatchObject([
    { check: 'nodes', told: expect.stringContaining('disowned since') },
  ]);
});
