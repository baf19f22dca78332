/** A month of a farm whose budget is a hundredth of what it publishes, by the real edge: what it promises holds at every moment. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { seeded } from '../../bench/random.ts';
import { storeKey } from '../../shared/build/build-record.ts';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import { GRACE_MS } from '../../shared/store/image-budget.ts';
import { configOf } from '../config.ts';
import { ask, foremanStats, foremanStub, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import type { Env } from '../env.ts';
import { FILES_STAY_MS, LEAVES_KV_MS, LIFETIMES } from '../lifetimes.ts';
import { type FarmNode, finish, IMAGE_NAME, joinNode, lease, report, upload } from '../nodes/farm-node.fixture.ts';
import { AHEAD, bucket, failed } from './foreman.fixture.ts';

vi.setConfig({ testTimeout: 300_000 });

const HOUR_MS = 3_600_000;
const DAYS = 30;
const IMAGES_A_DAY = 2;
const IMAGE_BYTES = 6_000;
/** Of all that is published, a wish of some three days anew. */
const BUDGET_BYTES = Math.round((DAYS * IMAGES_A_DAY * IMAGE_BYTES) / 100);
/** From the moment in which it is published until its last byte is gone, and what the alarms of it may be late. */
const LEAVES_MS = GRACE_MS + LEAVES_KV_MS.reduce((one, other) => one + other) + FILES_STAY_MS + 5 * 60_000;

interface Published {
  readonly wish: string;
  readonly text: string;
  readonly at: number;
}

interface Told {
  readonly path: string;
  readonly text: string;
  readonly at: number;
}

const random = seeded(30);
const published = new Map<string, Published>();
/** Files that no image is made of: what they are and when their lease ended. */
const leftovers: { readonly bytes: number; readonly at: number }[] = [];
let told: Told[] = [];
let node: FarmNode;
let checks = 0;
let checkedAt = 0;

const pass = (ms: number): void => void vi.setSystemTime(Date.now() + ms);

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
  // What an isolate remembers it forgets by this clock.
  vi.spyOn(performance, 'now').mockImplementation(() => Date.now());
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  await openUpstream();
});
afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Nothing is built ahead: that has an alarm of its own every few minutes. */
const setBudget = (): Promise<void> =>
  runInDurableObject(foremanStub(), (instance) => {
    const config = configOf((instance as unknown as { readonly env: Env }).env);
    Object.assign(config, { IMAGES_BUDGET: BUDGET_BYTES, PREBUILDS_A_RELEASE: 0 });
  });

async function objectsUnder(prefix: string): Promise<{ readonly key: string; readonly size: number }[]> {
  const { objects, truncated } = await bucket.list({ prefix });
  expect(truncated).toBe(false);
  return objects.map(({ key, size }) => ({ key, size }));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

/** Asks for it, has it built if it has to be, and is told of it. */
async function want(wish: string): Promise<void> {
  const request = { ...GOOD_REQUEST, packages: [wish] };
  const first = await post(request);
  const { request_hash: hash } = (await jsonOf(first)) as { request_hash: string };
  if (first.status === 202) await build(wish, hash);
  const answer = await post(request);
  expect(answer.status).toBe(200);
  const { bin_dir, request_hash } = await jsonOf(answer);
  const text = published.get(String(request_hash))?.text ?? 'never published';
  told.push({ path: `/store/${bin_dir}/${IMAGE_NAME}`, text, at: Date.now() });
}

async function build(wish: string, hash: string): Promise<void> {
  // Under a name that no image had before.
  expect([...published.keys()]).not.toContain(hash);
  let order = await lease(node);
  if (order && random() < 0.2) {
    // It has sent a file, and then it stumbles.
    const lost = 'x'.repeat(IMAGE_BYTES);
    await upload(node, order.leaseId, IMAGE_NAME, lost);
    await report(node, order.leaseId, 1, failed('disk_full'));
    leftovers.push({ bytes: lost.length, at: Date.now() });
    order = await lease(node);
  }
  if (order?.requestHash !== hash) throw new Error(`expected an order for ${hash}, got ${order?.requestHash}`);
  const text = `${hash} `.repeat(Math.ceil((IMAGE_BYTES * (0.5 + random())) / 65));
  await finish(node, order, { image: text });
  published.set(hash, { wish, text, at: Date.now() });
  await vi.waitFor(async () => {
    pass(LIFETIMES.runningMs + 1);
    expect((await ask(`/api/v1/build/${hash}`)).status).toBe(200);
  }, EVENTUALLY);
}

/** What must be so at any time. */
async function check(): Promise<void> {
  checks += 1;
  const now = Date.now();
  checkedAt = now;
  const [files, records, statements] = await Promise.all(['objects/', 'builds/', 'statements/'].map(objectsUnder));
  const stored = sum([...(files ?? []), ...(records ?? [])].map(({ size }) => size));
  const recordBytes = Math.max(0, ...(records ?? []).map(({ size }) => size));
  const lately = [...published.values()].filter(({ at }) => now - at <= LEAVES_MS);
  const left = leftovers.filter(({ at }) => now - at <= HOUR_MS + LIFETIMES.orderPermitMs);
  const allowed = sum([...lately.map(({ text }) => text.length + recordBytes), ...left.map(({ bytes }) => bytes)]);
  expect(stored).toBeLessThanOrEqual(BUDGET_BYTES + allowed);
  expect((statements ?? []).map(({ key }) => key).sort()).toEqual(
    [...published.keys()].map(storeKey.statements).sort(),
  );
  told = told.filter(({ at }) => now - at < LIFETIMES.fetchMs);
  for (const { path, text } of told) {
    const file = await ask(path);
    expect([file.status, new TextDecoder().decode(await file.arrayBuffer())]).toEqual([200, text]);
  }
}

/** As the platform does it: every alarm at its very time. */
async function live(ms: number): Promise<void> {
  const end = Date.now() + ms;
  for (;;) {
    const at = await runInDurableObject(foremanStub(), (_, { storage }) => storage.getAlarm());
    if (at === null || at > end) break;
    vi.setSystemTime(Math.max(Date.now(), at));
    await runDurableObjectAlarm(foremanStub());
    await scheduler.wait(1);
    // The alarm that comes behind it finds that all is done.
    if (Date.now() - checkedAt > 5_000) await check();
  }
  vi.setSystemTime(Math.max(Date.now(), end));
}

it('budgets hold, whoever is told of an image can fetch it, and who made what stays known', async () => {
  const wishes: string[] = [];
  for (let day = 0; day < DAYS; day += 1) {
    node = await joinNode(day + 1);
    if (day % 7 === 3) await evictDurableObject(foremanStub());
    await setBudget();
    for (let time = 0; time < IMAGES_A_DAY; time += 1) {
      // Mostly something new; and now and then what somebody wanted days ago.
      const again = wishes[Math.floor(random() * wishes.length)];
      const wish = again !== undefined && random() < 0.3 ? again : `wish-${day}-${time}`;
      if (!wishes.includes(wish)) wishes.push(wish);
      await want(wish);
    }
    await check();
    await live(24 * HOUR_MS);
  }
  expect(published.size).toBeGreaterThan(50);
  expect([...published.values()].map(({ wish }) => wish).length).toBeGreaterThan(new Set(wishes).size);
  expect(checks).toBeGreaterThan(150);
  // Of each somebody can still see who made it, though next to none is there.
  const { images } = await foremanStats();
  expect(images.kept.bytes).toBeLessThanOrEqual(BUDGET_BYTES);
  expect(images.removed.n).toBeGreaterThanOrEqual(published.size - 3);
  expect(images.kept.n + images.leaving.n + images.removed.n).toBe(published.size);
  const gone: string[] = [];
  for (const hash of published.keys()) {
    const provenance = await jsonOf(await ask(`/api/v1/build/${hash}/provenance`));
    expect(provenance).toMatchObject({ request_hash: hash, log: { sequence: expect.any(Number) } });
    if ((await ask(`/api/v1/build/${hash}`)).status === 404) gone.push(hash);
  }
  expect(gone.length).toBe(images.removed.n + images.leaving.n);
});
