/**
 * Upstream that releases, wishes that are counted, and a Foreman that looks what to build ahead. The clock is a test's, and only ever
 * goes on.
 */
import { runInDurableObject } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { afterAll, beforeAll, beforeEach, vi } from 'vitest';
import { buildRecord } from '../../../shared/build/build-record.fixture.ts';
import { type BuildRecord, storeKey } from '../../../shared/build/build-record.ts';
import type { EdgeSettings } from '../../../shared/edge-settings.ts';
import { dayOf } from '../../../shared/request/client-key.ts';
import { intentHash, requestHash } from '../../../shared/request/intent.ts';
import type { NormalizedRequest } from '../../../shared/request/normalize-request.ts';
import { normalizedRequest } from '../../../shared/request/normalized-request.fixture.ts';
import type { Mirror } from '../../catalogue/mirror.fixture.ts';
import { catalogueReader } from '../../catalogue/read.ts';
import { configOf } from '../../config.ts';
import { env, openUpstream } from '../../edge.fixture.ts';
import { count } from '../../statistics/counted.ts';
import { openObjectStore } from '../../storage/open-object-store.ts';
import { putJson } from '../../storage/put-json.ts';
import { AHEAD, type OpenedForeman, openForeman, submission } from '../foreman.fixture.ts';
import { foremanState } from '../foreman-state.ts';
import { Notary } from '../publishing/notary.ts';
import * as schema from '../schema.ts';
import { listWanted } from './list-wanted.ts';
import { lookForPrebuilds } from './look-for-prebuilds.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const store = openObjectStore(env);
const PACKAGES = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`p${n}`, '1']));
const PROFILE = { device_packages: ['kmod-e1000'], supported_devices: [], titles: [], image_prefix: 'p' };
let mirror: Mirror;
let foreman: OpenedForeman;
let patch = 2;
const listed: Record<string, Record<string, string>> = { '24.10.2': { 'x86/64': 'x86_64' } };

/** For a file of tests: upstream for all of them, and for each a Foreman of its own with one trusted node, called a. */
export function withPrebuilds(onOpen: (opened: OpenedForeman, upstream: Mirror) => void): void {
  beforeAll(async () => {
    mirror = await openUpstream();
    vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
  });
  beforeEach(async () => {
    // More than a day later, and at noon: what is counted by the day must not depend on when the tests are run.
    vi.setSystemTime((Math.floor(Date.now() / DAY_MS) + 2) * DAY_MS + 12 * HOUR_MS);
    foreman = openForeman();
    await foreman.node('a');
    onOpen(foreman, mirror);
  });
  afterAll(() => {
    vi.useRealTimers();
  });
}

export const later = (ms: number): void => void vi.setSystemTime(Date.now() + ms);

export async function publishTarget(version: string, target = 'x86/64', revision?: string): Promise<void> {
  await mirror.publishTarget({
    version,
    target,
    arch: 'x86_64',
    era: 'opkg',
    profiles: { profiles: { generic: PROFILE, other: PROFILE } },
    kmods: { 'kmod-e1000': '6.6.93-r1' },
    ...(revision !== undefined && { revision }),
  });
  mirror.publishArch(version, 'x86_64', { base: PACKAGES }, 'opkg');
}

/** Newer than all that there were. */
export function nextVersion(): string {
  patch += 1;
  return `24.10.${patch}`;
}

export async function release(targets: readonly string[] = ['x86/64']): Promise<string> {
  const version = nextVersion();
  list(version, targets);
  for (const target of targets) await publishTarget(version, target);
  return version;
}

export function list(version: string, targets: readonly string[]): void {
  const entry = Object.fromEntries(targets.map((target) => [target, 'x86_64']));
  const { [version]: _, ...others } = listed;
  for (const name of Object.keys(listed)) delete listed[name];
  Object.assign(listed, { [version]: entry, ...others });
  mirror.publishVersions(listed);
}

/** Its targets. */
export function unlist(version: string): string[] {
  const entry = listed[version] ?? {};
  delete listed[version];
  mirror.publishVersions(listed);
  return Object.keys(entry);
}

/** Handed out so often, to whom nobody knows. */
export async function want(
  packages: readonly string[],
  uses: number,
  { request = {}, record = {} }: { request?: Partial<NormalizedRequest>; record?: Partial<BuildRecord> } = {},
): Promise<string> {
  const normalized = normalizedRequest({ addPackages: packages, ...request });
  const intent = intentHash('1', normalized);
  const hash = requestHash(intent, 1);
  const { device } = buildRecord();
  const own = { defaultPackages: ['base-files', 'dnsmasq'], devicePackages: ['kmod-e1000'] };
  const written = { requestHash: hash, intentHash: intent, request: normalized, device: { ...device, ...own } };
  await putJson(store, storeKey.build(hash), buildRecord({ ...written, ...record }));
  await putJson(store, storeKey.intent(intent), { requestHash: hash });
  await foreman.calls.takeCounts({ day: dayOf(Date.now()), counts: [count('wish', intent, uses)] });
  return intent;
}

export type State = ReturnType<typeof foremanState>;

/** In the Foreman, with the state that it would make after a restart. */
export const inForeman = <T>(
  work: (state: State) => T | Promise<T>,
  settings: Partial<EdgeSettings> = {},
): Promise<T> =>
  runInDurableObject(foreman.stub, async (_, { storage }) => {
    const config = { ...configOf(env), ...settings };
    const behind: Promise<unknown>[] = [];
    const catalogue = catalogueReader(env, { waitUntil: (asked) => void behind.push(asked) });
    const notary = await Notary.open(config.SERVER_KEY);
    const ways = { notary, catalogue, store, cache: env.CACHE, sealing: new Uint8Array(32) };
    const state = foremanState(drizzle(storage, { schema }), config, ways);
    // An old copy is given first, and the new one asked for behind it.
    await catalogue.versions();
    await Promise.all(behind.splice(0));
    const done = await work(state);
    await Promise.all(behind);
    return done;
  });

/** As the alarm has it done, ten minutes later. */
export async function look(settings: Partial<EdgeSettings> = {}): Promise<number> {
  later(10 * MINUTE_MS);
  return inForeman(async (state) => {
    await listWanted(state, Date.now);
    return lookForPrebuilds(state, Date.now);
  }, settings);
}

/** The same, where the store takes its time: before each answer something happens. */
export async function lookWhile(happens: (state: State, key: string) => void): Promise<number> {
  later(10 * MINUTE_MS);
  await inForeman((state) => listWanted(state, Date.now));
  return inForeman((state) => {
    const get = (key: string) => {
      happens(state, key);
      return store.get(key);
    };
    return lookForPrebuilds({ ...state, store: Object.assign(Object.create(store), { get }) }, Date.now);
  });
}

/** It asks for work all the while. */
export const stays = (node: string) =>
  foreman.alter(`UPDATE nodes SET last_seen_at = 9000000000000 WHERE id = '${node}'`);
export const goes = (node: string) => foreman.alter(`UPDATE nodes SET last_seen_at = 0 WHERE id = '${node}'`);

/** The first look at this upstream: nothing of what is there is new. */
export const begin = () => inForeman((state) => lookForPrebuilds(state, Date.now));

/** What waits, in the order in which it will be given. */
export async function waiting(): Promise<readonly string[]> {
  const rows = await foreman.rows('builds');
  return rows
    .filter(({ state }) => state === 'queued')
    .sort((one, other) => Number(one.turn) - Number(other.turn) || Number(one.sequence) - Number(other.sequence))
    .map(({ request }) => {
      const { version, target, addPackages } = JSON.parse(String(request)) as NormalizedRequest;
      return [version, target, ...addPackages].join(' ');
    });
}

export const counted = async (what: string): Promise<Record<string, number>> =>
  Object.fromEntries(
    (await foreman.rows('counters'))
      .filter((row) => row.what === what && Number(row.day) > 0)
      .map(({ name, n }) => [String(name), Number(n)]),
  );

/** As a client asks for it on the way of all clients. */
export const client = (packages: readonly string[], version: string, key = 'c') => {
  const request = normalizedRequest({ version, addPackages: packages });
  return submission({ intentHash: intentHash('1', request), request, clientKey: key });
};
