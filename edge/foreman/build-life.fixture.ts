/**
 * Whole lives of a build as lists of named steps, each of them one event as nodes, clients and the platform bring it about
 * through the real edge. Told as steps, so that a test can let anything happen between any two of them.
 */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { expect, vi } from 'vitest';
import { storeKey } from '../../shared/build/build-record.ts';
import { bytesToHex } from '../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import type { BuildOrder } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { configOf } from '../config.ts';
import { ask, env, foremanStats, foremanStub, GOOD_REQUEST, jsonOf, post, type Row, rowsOf } from '../edge.fixture.ts';
import {
  type FarmNode,
  fileOf,
  good,
  IMAGE_NAME,
  joinNode,
  lease,
  put,
  report,
  succeeded,
} from '../nodes/farm-node.fixture.ts';
import { digestOf } from '../storage/digest-of.ts';
import { openObjectStore } from '../storage/open-object-store.ts';
import { bucket, failed, handedBack, progress } from './foreman.fixture.ts';
import { IN_PARTS, LARGE_FILE } from './leases/upload-in-parts.fixture.ts';

const IMAGE = 'an image';
/** The number of a report behind all others of its lease. */
const LAST_WORD = 9;

export interface Life {
  readonly wish: string;
  readonly request: object;
  readonly first: FarmNode;
  readonly second: FarmNode;
  readonly countersBefore: ReadonlyMap<string, number>;
  readonly orders: BuildOrder[];
  hash: string;
}

export type Step = readonly [name: string, happens: (life: Life) => Promise<unknown>];

const leaseMs = configOf(env).LEASE_SECONDS * 1000;
let lives = 0;

/** With a wish and nodes of its own: what a node did in another life must not tell here. */
export async function beginLife(fields: object = {}): Promise<Life> {
  const seed = ++lives * 2;
  const wish = `wish-${lives}`;
  const first = await joinNode(seed, { operator: `operator-${seed}` });
  const second = await joinNode(seed + 1, { operator: `operator-${seed + 1}` });
  const request = { ...GOOD_REQUEST, packages: [wish], ...fields };
  return { wish, request, first, second, countersBefore: await counters(), orders: [], hash: '' };
}

export const lastOrder = (life: Life): BuildOrder => {
  const order = life.orders.at(-1);
  if (!order) throw new Error('expected an order to have been given');
  return order;
};

async function takeOrder(life: Life, node: FarmNode): Promise<void> {
  const order = await lease(node);
  if (order?.requestHash !== life.hash)
    throw new Error(`expected an order for ${life.hash}, got ${order?.requestHash}`);
  life.orders.push(order);
}

const submitted: Step = [
  'submit',
  async (life) => {
    life.hash = String((await jsonOf(await post(life.request))).request_hash);
  },
];
const firstLease: Step = ['the first lease', (life) => takeOrder(life, life.first)];
const firstProgress: Step = ['its progress', (life) => report(life.first, lastOrder(life).leaseId, 1, progress(2))];
const givenBack: Step = ['it is handed back', (life) => report(life.first, lastOrder(life).leaseId, 2, handedBack)];
const lost: Step = [
  'it is lost',
  async (life) => {
    const { leaseId } = lastOrder(life);
    const isActive = async () =>
      (await rowsOf(foremanStub(), 'leases')).some((row) => row.id === leaseId && row.state === 'active');
    // As the platform does it: at the very time of the alarm.
    while (await isActive()) await ringAlarm();
  },
];
const secondLease: Step = ['the second lease', (life) => takeOrder(life, life.second)];
const secondProgress: Step = ['progress again', (life) => report(life.second, lastOrder(life).leaseId, 1, progress(8))];
/** It would end, but for this report. */
const renewed: Step = [
  'a report when most of the lease has passed',
  async (life) => {
    vi.setSystemTime(Date.now() + leaseMs * 0.6);
    await report(life.second, lastOrder(life).leaseId, 2, progress(8));
  },
];
const rungInVain: Step = [
  'the alarm rings when the lease would have ended',
  async () => {
    vi.setSystemTime(Date.now() + leaseMs * 0.41);
    await runDurableObjectAlarm(foremanStub());
  },
];
const file = fileOf(IMAGE_NAME, IMAGE);
const granted: Step = [
  'RequestUpload',
  (life) => good(life.second, 'requestUpload', { leaseId: lastOrder(life).leaseId, file }),
];
const sent: Step = [
  'PUT',
  async (life) => {
    const answer = await put(life.second, `/farm/v1/objects/${lastOrder(life).leaseId}/${IMAGE_NAME}`, IMAGE);
    expect(answer.status).toBe(200);
  },
];
const completed: Step = [
  'CompleteUpload',
  (life) => good(life.second, 'completeUpload', { leaseId: lastOrder(life).leaseId, name: IMAGE_NAME }),
];
const grantedTogether: Step = [
  'RequestUploads',
  (life) => good(life.second, 'requestUploads', { leaseId: lastOrder(life).leaseId, files: [file] }),
];
const completedTogether: Step = [
  'CompleteUploads',
  async (life) => {
    const { lost } = await good(life.second, 'completeUploads', { leaseId: lastOrder(life).leaseId, files: [file] });
    expect(lost).toEqual([]);
  },
];
/** The store is down, so that it is the alarm that publishes. */
const decided = (...files: Parameters<typeof succeeded>[0]): Step => [
  'the image is reported',
  async (life) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const down = vi.spyOn(bucket, 'head').mockRejectedValue(new Error('R2 head failed'));
    await report(life.second, lastOrder(life).leaseId, LAST_WORD, succeeded(files));
    await vi.waitFor(() => expect(log.mock.calls.join()).toContain('publishing failed'), EVENTUALLY);
    down.mockRestore();
    log.mockRestore();
  },
];
const published: Step = [
  'the alarm publishes',
  async (life) => {
    await ringAlarm();
    await vi.waitFor(async () => expect((await buildRow(life)).state).toBe('done'), EVENTUALLY);
  },
];
const failure: Step = [
  'the failure is reported',
  (life) => report(life.second, lastOrder(life).leaseId, LAST_WORD, failed('build_failed')),
];
const polled: Step = [
  'poll',
  async (life) => {
    // What was said of it while it was pending stands for a moment.
    vi.setSystemTime(Date.now() + 60_000);
    const status = async () => (await ask(`/api/v1/build/${life.hash}`)).status;
    await vi.waitFor(async () => expect(await status()).not.toBe(202), EVENTUALLY);
  },
];

const toUpload = [secondLease, secondProgress, granted, sent, completed] as const;
const toUploadTogether = [secondLease, secondProgress, grantedTogether, sent, completedTogether] as const;
const begin = [submitted, firstLease, firstProgress] as const;

export const LIVES: Readonly<Record<string, { readonly steps: readonly Step[]; readonly fields?: object }>> = {
  'an image, handed back once': { steps: [...begin, givenBack, ...toUpload, decided(file), published, polled] },
  'an image, its first node lost': { steps: [...begin, lost, ...toUploadTogether, decided(file), published, polled] },
  'a failure of the request': { steps: [...begin, givenBack, ...toUpload, failure, polled] },
  'an image that comes in parts, and slowly': {
    steps: [submitted, ...toUpload, renewed, rungInVain, ...IN_PARTS, decided(file, LARGE_FILE), published, polled],
  },
  'a private image': {
    steps: [...begin, givenBack, ...toUpload, decided(file), published, polled],
    fields: { defaults: 'a script' },
  },
};

async function ringAlarm(): Promise<void> {
  const at = await runInDurableObject(foremanStub(), (_, state) => state.storage.getAlarm());
  if (at === null) throw new Error('expected an alarm to be set');
  vi.setSystemTime(Math.max(Date.now(), at));
  await runDurableObjectAlarm(foremanStub());
}

async function buildRow(life: Life): Promise<Row> {
  const row = (await rowsOf(foremanStub(), 'builds')).find((each) => each.request_hash === life.hash);
  if (!row) throw new Error(`expected a build ${life.hash}`);
  return row;
}

const counterName = (row: Row): string => `${row.what} ${row.day === 0 ? 'ever' : 'today'} ${row.branch} ${row.name}`;

/** How builds ended; what isolates count comes when it comes. */
async function counters(): Promise<ReadonlyMap<string, number>> {
  const ofBuilds = ['build', 'failure', 'target_built', 'target_seconds'];
  const rows = (await rowsOf(foremanStub(), 'counters')).filter((row) => ofBuilds.includes(String(row.what)));
  return new Map(rows.map((row) => [counterName(row), Number(row.n)]));
}

/** Everything that is to be the same, however the life went: in names and times of that life. */
export async function outcomeOf(life: Life): Promise<unknown> {
  const stub = foremanStub();
  const ofBuild = async (table: 'leases' | 'votes') =>
    (await rowsOf(stub, table)).filter((row) => row.request_hash === life.hash);
  const leaseIds = life.orders.map((order) => order.leaseId);
  const answer = await ask(`/api/v1/build/${life.hash}`);
  const served = await ask(`/store/${life.hash}/${IMAGE_NAME}`);
  const { waiting, live, activeLeases } = await foremanStats();
  const outcome = {
    answer: [answer.status, await answer.json()],
    image: [served.status, served.status === 200 ? new TextDecoder().decode(await served.arrayBuffer()) : ''],
    record: (await (await bucket.get(`builds/${life.hash}.json`))?.json()) ?? null,
    build: { ...(await buildRow(life)), sequence: 0, turn: 0 },
    leases: (await ofBuild('leases')).map((row) => ({ ...row, idempotency_key: '' })),
    votes: await ofBuild('votes'),
    uploads: (await rowsOf(stub, 'uploads'))
      .filter((row) => leaseIds.includes(String(row.lease_id)))
      // The store's own names for them are others each time.
      .map((row) => ({
        ...row,
        multipart_id: row.multipart_id !== null,
        parts: Object.keys(JSON.parse(String(row.parts))),
      })),
    stored: await storedOf(leaseIds),
    nodes: (await rowsOf(stub, 'nodes'))
      .filter((row) => row.id === life.first.id || row.id === life.second.id)
      .map((row) => [row.id, row.state, row.faults, row.builds_right, row.builds_wrong, row.builds_lost, row.images]),
    counted: [...(await counters())]
      .map(([name, n]) => [name, n - (life.countersBefore.get(name) ?? 0)])
      .filter(([, n]) => n !== 0),
    queue: { waiting, live, activeLeases },
  };
  return inNamesOf(life, outcome);
}

/** Every object of these leases, by what it really holds. */
async function storedOf(leaseIds: readonly string[]): Promise<unknown[]> {
  const pages = await Promise.all(leaseIds.map((id) => bucket.list({ prefix: storeKey.object(id, '') })));
  const keys = pages.flatMap(({ objects }) => objects.map(({ key }) => key)).sort();
  return Promise.all(keys.map(async (key) => [key, await digestOf(openObjectStore(env), key)]));
}

function inNamesOf(life: Life, outcome: unknown): unknown {
  const intent = /"intent_hash":"([0-9a-f]{64})"/.exec(JSON.stringify(outcome))?.[1] ?? '-';
  const names: [string, string][] = [
    [life.hash, 'HASH'],
    [intent, 'INTENT'],
    [life.wish, 'WISH'],
    [life.first.id, 'FIRST'],
    [life.second.id, 'SECOND'],
    [bytesToHex(life.second.key.publicKey), 'KEY OF SECOND'],
    ...life.orders.map((order, at): [string, string] => [order.leaseId, `LEASE ${at}`]),
  ];
  const text = names
    .reduce((all, [from, to]) => all.replaceAll(from, to), JSON.stringify(outcome))
    .replace(/\b1[0-9]{12}\b/g, '0')
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*Z?/g, 'TIME')
    .replace(/(operator|node)-\d+/g, '$1-N');
  return JSON.parse(text);
}
