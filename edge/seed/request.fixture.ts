/** The old API as its clients ask it, and a mirror that has a PC, a router and packages of the opkg era. */
import { createExecutionContext } from 'cloudflare:test';
import { beforeAll, beforeEach, expect, vi } from 'vitest';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import { app } from '../app.ts';
import type { Mirror } from '../catalogue/mirror.fixture.ts';
import { env, openUpstream } from '../edge.fixture.ts';
import type { Env } from '../env.ts';
import {
  type Credentials,
  type FarmNode,
  type fileOf,
  joinNode,
  lease,
  orderFor,
  report,
  succeeded,
  upload,
} from '../nodes/farm-node.fixture.ts';

export const ENDPOINTS = ['/api/upgrade-request', '/api/build-request'] as const;

export const PC = { distro: 'openwrt', version: '24.10.2', target: 'x86/64', board: 'generic' };
export const PC_SPLIT = { ...PC, target: 'x86', subtarget: '64' };
export const ROUTER = { ...PC, target: 'ath79/generic', board: 'tplink,archer-c7-v4' };

async function openSeedUpstream(): Promise<Mirror> {
  const mirror = await openUpstream();
  mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64', 'ath79/generic': 'mips_24kc', 'x86/generic': 'i386' } });
  const archer = {
    device_packages: [],
    supported_devices: ['tplink,archer-c7-v4', 'archer-c7-v4'],
    titles: [{ vendor: 'TP-Link', model: 'Archer C7', variant: 'v4' }],
    image_prefix: 'p',
  };
  await mirror.publishTarget({
    version: '24.10.2',
    target: 'ath79/generic',
    arch: 'mips_24kc',
    era: 'opkg',
    kmods: { 'kmod-ath9k': '6.6.93-r1' },
    profiles: {
      profiles: { 'tplink_archer-c7-v4': archer, 'ubnt-nano-m': { ...archer, supported_devices: [], titles: [] } },
    },
  });
  mirror.publishArch('24.10.2', 'mips_24kc', { base: { curl: '8.1-r1', vim: '9' }, luci: { luci: '25.1' } }, 'opkg');
  mirror.weather.set('releases/24.10.2/targets/x86/generic/sha256sums', () => new Response('', { status: 503 }));
  return mirror;
}

/** The mirror, and a node that finds nothing to do at the beginning of a test; for a file that asks the old API for images. */
export function withSeedNode(): () => FarmNode {
  let node: FarmNode;
  beforeAll(async () => {
    await openSeedUpstream();
    node = await joinNode(1);
  });
  beforeEach(async () => {
    await emptyQueue(node);
  });
  return () => node;
}

let wishes = 0;

/** A package that no other test asks for. */
export const unique = (): string => `seed-wish-${++wishes}`;

/** An isolate of its own, with the same KV, store and Foreman as all others. */
export function openSeedIsolate(variables: Record<string, unknown> = {}) {
  const own = { ...env, ...variables } as Env;
  const ask = async (path: string, init?: RequestInit): Promise<Response> =>
    app.fetch(new Request(`https://other.example${path}`, init), own, createExecutionContext());
  return { env: own, ask, post: poster(ask) };
}

export const poster =
  (ask: (path: string, init?: RequestInit) => Promise<Response>) =>
  (body: unknown, path: string = ENDPOINTS[0]): Promise<Response> =>
    ask(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });

/** An answer's JSON, after what holds for every one of them: an object, CORS, and an `error` where it is one. */
export async function seedJson(response: Response): Promise<Record<string, string>> {
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(response.headers.get('access-control-expose-headers')).toMatch(
    /x-imagebuilder-status.*x-build-queue-position.*x-unknown-package/,
  );
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  const body = (await response.json()) as Record<string, string>;
  expect(Array.isArray(body)).toBe(false);
  if (response.status >= 400)
    expect(body).toMatchObject({ error: expect.any(String), detail: body.error, status: response.status });
  return body;
}

export interface Image {
  readonly name: string;
  readonly type: string;
  readonly filesystem: string;
}

export const SQUASHFS: Image = { name: 'x-squashfs-sysupgrade.bin', type: 'sysupgrade', filesystem: 'squashfs' };

/** Builds what waits; the images have these names and types. */
export async function buildNext(node: Credentials, images: readonly Image[] = [SQUASHFS]): Promise<string> {
  const order = await orderFor(node);
  const files: ReturnType<typeof fileOf>[] = [];
  for (const { name } of images) files.push(await upload(node, order.leaseId, name, `${name} of ${order.requestHash}`));
  const event = succeeded(files);
  event.value.images = images.map((image, at) => ({ ...event.value.images[0], ...files[at], ...image })) as never;
  await report(node, order.leaseId, 1, event);
  return order.requestHash;
}

export async function failNext(node: Credentials, kind: string, detail: string): Promise<string> {
  const order = await orderFor(node);
  await report(node, order.leaseId, 1, { case: 'failed', value: { kind, detail } });
  return order.requestHash;
}

/** So that the next test finds no order of this one. */
export async function emptyQueue(node: Credentials): Promise<void> {
  for (let order = await lease(node); order; order = await lease(node))
    await report(node, order.leaseId, 1, { case: 'failed', value: { kind: 'build_failed', detail: 'nobody waits' } });
}

/** Until the answer has this status: what was said of a pending build stands for a moment. */
export const untilStatus = (status: number, ask: () => Promise<Response>): Promise<Response> =>
  vi.waitFor(
    async () => {
      const answer = await ask();
      expect(answer.status).toBe(status);
      return answer;
    },
    { ...EVENTUALLY, interval: 100 },
  );
