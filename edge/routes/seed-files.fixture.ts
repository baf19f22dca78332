/** Builds with everything that lies in their directory: files as a node stores them, and a log. */
import { afterEach, beforeAll, expect, vi } from 'vitest';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import { ask, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import {
  type FarmNode,
  IMAGE_NAME,
  joinNode,
  lease,
  put,
  report,
  succeeded,
  upload,
} from '../nodes/farm-node.fixture.ts';

export const IMAGE = 'an image of forty bytes, no more, no less';

/** Images, manifest and profiles.json, and what else an ImageBuilder leaves; the node's own list is of no worth. */
export const FILES: Readonly<Record<string, string>> = {
  [IMAGE_NAME]: IMAGE,
  'openwrt-x86-64-generic.manifest': 'base-files - 1\n',
  'profiles.json': '{}',
  'openwrt-x86-64-generic.bom.cdx.json': '{"bom":true}',
  sha256sums: `${'0'.repeat(64)} *${IMAGE_NAME}\n`,
};

/** In the order of a listing. */
export const LISTED = [
  'openwrt-x86-64-generic-squashfs-combined.img.gz',
  'openwrt-x86-64-generic.bom.cdx.json',
  'openwrt-x86-64-generic.manifest',
  'profiles.json',
  'sha256sums',
  'sha256sums.sig',
];

export interface Ending {
  readonly request?: object;
  readonly files?: Readonly<Record<string, string>>;
  /** Pieces of its log. */
  readonly log?: readonly string[];
  /** What the node reports where it fails. */
  readonly failure?: {
    readonly kind: string;
    readonly detail: string;
    readonly stdout?: string;
    readonly stderr?: string;
  };
}

let wishes = 0;

/** Asks for an image that nobody asked for before, and has it built or fail. Returns its whole hash. */
export async function endBuild(
  node: FarmNode,
  { request = {}, files = FILES, log = [], failure }: Ending = {},
): Promise<string> {
  wishes += 1;
  const wish = { ...GOOD_REQUEST, packages: [`wish-${wishes}`], ...request };
  const { request_hash } = await jsonOf(await post(wish));
  const order = await lease(node);
  if (!order || order.requestHash !== request_hash) throw new Error(`expected an order for ${request_hash}`);
  for (const [index, text] of log.entries()) {
    const response = await put(node, `/farm/v1/logs/${order.leaseId}/${index + 1}`, text);
    if (!response.ok) throw new Error(`expected the log to be taken, got ${response.status} ${await response.text()}`);
  }
  const stored: Awaited<ReturnType<typeof upload>>[] = [];
  if (failure) await report(node, order.leaseId, 1, { case: 'failed', value: failure });
  else {
    for (const [name, text] of Object.entries(files)) stored.push(await upload(node, order.leaseId, name, text));
    await report(node, order.leaseId, 1, succeeded(stored));
  }
  const status = failure ? 500 : 200;
  // What was said of it while it was pending stands for a moment.
  await vi.waitFor(async () => expect((await ask(`/api/v1/build/${request_hash}`)).status).toBe(status), EVENTUALLY);
  return String(request_hash);
}

export const LOG = ['make: entering\n', 'make: \u001b[31mdone\u001b[0m\n'];

interface SeedFiles {
  readonly node: FarmNode;
  /** Of a build with a log. */
  readonly hash: string;
  /** By which its directory is known. */
  readonly path: string;
}

/** For a file of tests: a node, and a build of its with everything that there can be. */
export function withSeedFiles(begin: (built: SeedFiles) => void): void {
  beforeAll(async () => {
    await openUpstream();
    const node = await joinNode(1);
    const hash = await endBuild(node, { log: LOG });
    begin({ node, hash, path: hash.slice(0, 32) });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
}

interface Listed {
  readonly name: string;
  readonly type: string;
  readonly mtime: string;
  readonly size: number;
}

export const listed = async (url: string): Promise<Listed[]> => {
  const response = await ask(url);
  expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  return response.json();
};
/** Images of these tests are text, whatever is said of them. */
export const bodyOf = async (response: Response): Promise<string> =>
  new TextDecoder().decode(await response.arrayBuffer());
export const textOf = async (url: string): Promise<string> => {
  const response = await ask(url);
  expect(response.status).toBe(200);
  return bodyOf(response);
};
