/**
 * One Foreman of its own for each test: a real Durable Object with its SQLite, KV, R2 and the catalogue behind it. Nodes are
 * rows that joined; what they upload is put into the store as the Worker would. The clock is the one thing that is not real.
 */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest';
import { requestEcho } from '../../shared/build/build-record.fixture.ts';
import { type Pins, storeKey } from '../../shared/build/build-record.ts';
import type { BuildStatus } from '../../shared/build/build-state.ts';
import { bytesToHex, hexToBytes, sha256Hex, utf8ToBytes } from '../../shared/crypto/digest.ts';
import { type SigningKey, signingKey } from '../../shared/crypto/ed25519.ts';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import { type LeaseReportSchema, ReportRequestSchema } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import type { NormalizedRequest } from '../../shared/request/normalize-request.ts';
import { normalizedRequest } from '../../shared/request/normalized-request.fixture.ts';
import type { TrustPolicy } from '../../shared/trust/policy.ts';
import { statedRequest } from '../../shared/trust/stated-request.ts';
import type { OrderedBuild } from '../../shared/trust/statement.ts';
import type { Mirror } from '../catalogue/mirror.fixture.ts';
import { configOf } from '../config.ts';
import { alterTables, env, foremanStub, openUpstream, type Row, rowsOf, type Table } from '../edge.fixture.ts';
import type { ForemanCalls } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { fileOf, succeeded } from '../nodes/farm-node.fixture.ts';
import { signedEvent } from '../nodes/signed-event.fixture.ts';
import type { Database } from './database.ts';
import type { Foreman } from './foreman.ts';
import type { Order } from './leases/give-lease.ts';
import type { ToldOfNode } from './nodes/nodes.ts';
import type { Submission } from './queue/queue.ts';
import * as schema from './schema.ts';

export const submission = (fields: Partial<Submission> = {}): Submission => ({
  intentHash: sha256Hex('an intent'),
  seenGeneration: 0,
  request: normalizedRequest(),
  echo: requestEcho(),
  conditions: { version_code: '', packages_versions: {} },
  sealedDefaults: null,
  upstreamDigest: 'd'.repeat(64),
  clientKey: '',
  imageBuilder: 'b'.repeat(64),
  ...fields,
});

type Event = MessageInitShape<typeof LeaseReportSchema>['event'];

/** Of a node that is called so. */
const keyOf = (id: string): Promise<SigningKey> => signingKey(new Uint8Array(hexToBytes(sha256Hex(id))));

export const IMAGE = 'x-squashfs-combined.img.gz';
export const failed = (kind: string, detail = 'said the node'): Event => ({ case: 'failed', value: { kind, detail } });
export const progress = (step: number): Event => ({ case: 'progress', value: { step } });
export const handedBack: Event = { case: 'handedBack', value: { reason: 'the node stops' } };

/** What a node says of itself with each question for work. */
export const NEWS = { softwareVersion: '', slots: 1, held: [] };

/** Where a fake clock begins: ahead of the real one, so that no alarm rings by itself, however slow the machine is. */
export const AHEAD = Date.now() + 3_600_000;

let foremen = 0;

export function openForeman() {
  const stub = foremanStub(`foreman-${++foremen}`);
  const calls = stub as unknown as ForemanCalls;
  let keys = 0;
  const networks = new Map<string, string>();

  /** Volunteers build what is known to be reproducible; here it is, unless a test says something else. */
  const measured = (agreed = 5, unexplained = 0): Promise<void> =>
    alterTables(
      stub,
      `INSERT OR REPLACE INTO reproducibility (branch, target, agreed, unexplained, last_at)
       VALUES ('24.10', 'x86/64', ?, ?, 0)`,
      String(agreed),
      String(unexplained),
    );

  /** One that is there joins once more, with a new token. */
  const node = async (id: string, operator = 'op', tier: 'trusted' | 'volunteer' = 'trusted'): Promise<string> => {
    const token = { id: sha256Hex(crypto.randomUUID()).slice(0, 32), operator, tier, expiresAt: Date.now() + 1000 };
    const { publicKey } = await keyOf(id);
    const joined = await calls.join({ id, publicKey: bytesToHex(publicKey), name: id }, token);
    if (!joined.ok) throw new Error(joined.reason);
    networks.set(id, `network of ${operator}`);
    if (tier === 'volunteer') await measured();
    return id;
  };

  const submit = async (fields: Partial<Submission> = {}): Promise<BuildStatus> => {
    const [answer] = (await calls.submit([submission(fields)])).answers;
    if (!answer?.accepted) throw new Error('expected the build to be accepted');
    return answer.status;
  };

  /** What is there for the node now. */
  const lease = async (
    nodeId: string,
    idempotencyKey = `key-${++keys}`,
    told: Partial<ToldOfNode> = {},
  ): Promise<Order | null> => {
    const network = networks.get(nodeId) ?? '';
    const ask = { idempotencyKey, ...NEWS, network, ...told, waitMs: 0 };
    const answer = await calls.lease(nodeId, ask);
    if ('refused' in answer) throw new Error(answer.refused);
    return answer.order;
  };

  const order = async (nodeId: string): Promise<Order> => {
    const given = await lease(nodeId);
    if (!given) throw new Error(`expected an order for ${nodeId}`);
    return given;
  };

  /** What the node was ordered to build, for its statement; of a lease that is none, nothing. */
  const orderedBuild = async (nodeId: string, leaseId: string): Promise<OrderedBuild | null> => {
    const lease = (await rowsOf(stub, 'leases')).find(({ id }) => id === leaseId);
    const build = (await rowsOf(stub, 'builds')).find(({ request_hash: hash }) => hash === lease?.request_hash);
    if (!lease || !build) return null;
    return {
      requestHash: String(build.request_hash),
      leaseId,
      nodeId,
      request: statedRequest(JSON.parse(String(build.request)) as NormalizedRequest),
      pins: JSON.parse(String(lease.pins)) as Pins,
    };
  };

  const signed = async (nodeId: string, leaseId: string, event: Event): Promise<Event> => {
    const build = await orderedBuild(nodeId, leaseId);
    return build ? signedEvent(await keyOf(nodeId), build, event) : event;
  };

  const unsignedEvents = new WeakSet<object>();

  /** As a node says it that signs nothing yet. */
  const unsigned = (event: Event): Event => {
    unsignedEvents.add(event as object);
    return event;
  };

  /** The standing of the lease afterwards. Signed, as an honest node does it. */
  const report = async (nodeId: string, leaseId: string, sequence: number, event: Event): Promise<string> => {
    const said = unsignedEvents.has(event as object) ? event : await signed(nodeId, leaseId, event);
    const message = create(ReportRequestSchema, { reports: [{ leaseId, sequence: BigInt(sequence), event: said }] });
    const answer = await calls.report(nodeId, new Uint8Array(toBinary(ReportRequestSchema, message)));
    if ('refused' in answer) throw new Error(answer.refused);
    return answer.acknowledged[0]?.standing ?? 'none';
  };

  /** Grants, stores and completes a file, as the Worker does it for a node. */
  const upload = async (nodeId: string, leaseId: string, name = IMAGE, text = 'an image') => {
    const file = { name, sizeBytes: utf8ToBytes(text).length, sha256: sha256Hex(text) };
    const granted = await calls.grantUploads(nodeId, leaseId, [file]);
    if (!granted.ok) throw new Error(granted.reason);
    await putObject(leaseId, name, text);
    await calls.completeUpload(leaseId, name);
    return fileOf(name, text);
  };

  const success = async (nodeId: string, leaseId: string, text = 'an image'): Promise<Event> =>
    succeeded([await upload(nodeId, leaseId, IMAGE, text)]);

  /** Of this Foreman as long as it stays awake. */
  const policy = (fields: Partial<TrustPolicy>): Promise<void> =>
    runInDurableObject(stub, (instance) => {
      Object.assign(configOf((instance as unknown as { readonly env: Env }).env).TRUST_POLICY, fields);
    });

  /** No look at what upstream has, which would be remembered for other tests, whose clocks begin anew. */
  const buildNothingAhead = (): Promise<void> =>
    runInDurableObject(stub, (instance) => {
      Object.assign(configOf((instance as unknown as { readonly env: Env }).env), { PREBUILDS_A_RELEASE: 0 });
    });

  const alarm = () => runDurableObjectAlarm(stub);
  const alarmAt = (): Promise<number | null> => runInDurableObject(stub, (_, state) => state.storage.getAlarm());

  /** Time goes by, and alarms ring, a minute late at most: one that rings later means that the clock was set. */
  const elapse = async (ms: number): Promise<void> => {
    const until = Date.now() + ms;
    for (let at = await alarmAt(); at !== null && at <= until; at = await alarmAt()) {
      vi.setSystemTime(Math.min(until, Math.max(at, Date.now() + 60_000)));
      await alarm();
      if (Date.now() >= until) return;
    }
    vi.setSystemTime(until);
  };

  return {
    stub,
    calls,
    node,
    measured,
    policy,
    buildNothingAhead,
    submit,
    lease,
    order,
    report,
    signed,
    unsigned,
    upload,
    success,
    rows: (table: Table): Promise<Row[]> => rowsOf(stub, table),
    alter: (statement: string, ...values: string[]) => alterTables(stub, statement, ...values),
    status: async (hash: string): Promise<BuildStatus | null> => (await calls.status([hash]))[0] ?? null,
    /** The rows of one build; there is no call for what only the Foreman knows. */
    build: async (hash: string): Promise<Row> => {
      const row = (await rowsOf(stub, 'builds')).find((each) => each.request_hash === hash);
      if (!row) throw new Error(`expected a build ${hash}`);
      return row;
    },
    alarm,
    alarmAt,
    elapse,
    /** Until what is published in the background is. */
    untilState: (hash: string, state: BuildStatus['state']) =>
      vi.waitFor(async () => expect((await calls.status([hash]))[0]?.state).toBe(state), EVENTUALLY),
  };
}

/** The store is one for all Foremen, and each of them would go on with the log of those before it. */
async function forgetLog(): Promise<void> {
  for (const { key } of (await bucket.list({ prefix: 'log/' })).objects) await bucket.delete(key);
}

export type OpenedForeman = ReturnType<typeof openForeman>;

/** For a file of tests: upstream for all of them, and for each a Foreman of its own, under a clock that begins `AHEAD`. */
export function withForeman(begin: (opened: OpenedForeman) => unknown, prepare?: (upstream: Mirror) => void): void {
  beforeAll(async () => {
    const upstream = await openUpstream();
    prepare?.(upstream);
  });
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
    await forgetLog();
    await begin(openForeman());
  });
  afterAll(() => {
    vi.useRealTimers();
  });
}

/** How SQLite goes about each statement of `work`: by which index, or by reading a whole table. */
export const plansOf = (stub: DurableObjectStub, work: (db: Database) => unknown): Promise<string[]> =>
  runInDurableObject(stub, (_, { storage }) => {
    const statements: [string, unknown[]][] = [];
    const logger = { logQuery: (query: string, values: unknown[]) => void statements.push([query, values]) };
    work(drizzle(storage, { schema, logger }));
    // Of no plan at all anything would be true.
    if (statements.length === 0) throw new Error('expected work that asks the database');
    return statements.flatMap(([query, values]) =>
      storage.sql
        .exec<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`, ...(values as string[]))
        .toArray()
        .map(({ detail }) => detail),
    );
  });

/** Beside a database how many rows SQLite has read for it since that was asked last: those as well that it looked at and left. */
export function meteredDatabase(storage: DurableObjectStorage): {
  readonly db: Database;
  readonly rowsRead: () => number;
} {
  const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  const exec = (...statement: Parameters<SqlStorage['exec']>) => {
    const cursor = storage.sql.exec(...statement);
    cursors.push(cursor);
    return cursor;
  };
  const db = drizzle({ sql: { exec } } as unknown as DurableObjectStorage, { schema });
  return { db, rowsRead: () => cursors.splice(0).reduce((sum, cursor) => sum + cursor.rowsRead, 0) };
}

/** Until it has done what it does by itself when it wakes for the first time; its tables are the test's from now on. */
export async function untilAtRest(stub: DurableObjectStub<Foreman>): Promise<void> {
  await vi.waitFor(async () => {
    expect((await rowsOf(stub, 'meta')).map(({ name }) => name)).toContain('requests_listed_at');
  }, EVENTUALLY);
}

export const bucket = env.IMAGES as R2Bucket;

export async function putObject(leaseId: string, name: string, text: string): Promise<void> {
  await bucket.put(storeKey.object(leaseId, name), text, { sha256: sha256Hex(text) });
}
