/**
 * What must never reach `make`, in every field of an order that has words: refused by the name of the field, and none of it
 * runs. That a demo ImageBuilder would run it, called with it as one is called by hand, is shown first: else a canary that
 * never sings would prove nothing.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CANARY, type CanaryRow, MAKE_CANARY } from '../../shared/request/make-canary.fixture.ts';
import { type DemoMirror, generateMirror } from '../demo/generate-mirror.ts';
import { type MirrorServer, serveMirror } from '../demo/mirror-server.ts';
import { unpackImageBuilder } from '../demo/unpacked-imagebuilder.ts';
import { build } from './build.ts';
import { checkedOrder } from './checked-order.ts';
import { demoOrder } from './demo-order.fixture.ts';
import { type InputsInit, testOrder } from './test-order.fixture.ts';
import { testWorkshop } from './test-workshop.fixture.ts';
import type { Workshop } from './workshop.ts';

let root: string;
let mirror: DemoMirror;
let server: MirrorServer;
let workshop: Workshop;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'canary-'));
  mirror = await generateMirror({ directory: path.join(root, 'mirror') });
  server = await serveMirror(mirror.directory);
  workshop = await testWorkshop(path.join(root, 'state'));
});

afterAll(async () => {
  await workshop.close();
  await server.close();
  await rm(root, { recursive: true, maxRetries: 5 });
});

/** With a canary that lives below `root`. */
const sung = (value: string, canary: string): string => value.replaceAll(CANARY, canary);
const named = <Row extends CanaryRow>(rows: readonly Row[]) =>
  rows.map((row) => [JSON.stringify(row.value), row] as const);

/** Every file below `directory` with the canary's name, whatever comes behind it. */
async function canariesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter(({ name }) => name.startsWith('canary'))
    .map(({ parentPath, name }) => path.join(parentPath, name));
}

describe.each([
  ['opkg', '24.10.2'],
  ['apk', '25.12.1'],
])('an ImageBuilder of the %s era that is called without care', (era, version) => {
  let directory: string;
  beforeAll(async () => {
    const target = 'demo/generic';
    const place = path.join(root, `tree-${era}`);
    ({ directory } = await unpackImageBuilder({ mirror, mirrorUrl: server.url, version, target, directory: place }));
  });

  const ran = MAKE_CANARY.filter((row) => row.ran !== null && (row.ran.era === 'both' || row.ran.era === era));
  test.each(named(ran))('runs %s', async (_, { variable, value, ran: how }) => {
    const canary = path.join(directory, `canary-${Math.random().toString(36).slice(2)}`);
    const word = variable === 'argv' ? sung(value, canary) : `${variable}=${sung(value, canary)}`;
    // What it ends with does not matter: make has run it by then.
    await new Promise((resolve) =>
      execFile(
        'make',
        [how?.goal ?? '', word],
        { cwd: directory, env: { PATH: '/usr/bin:/bin', HOME: directory } },
        resolve,
      ),
    );
    expect(await canariesIn(directory)).toContain(canary);
    await rm(canary);
  });
});

const digest = 'a'.repeat(64);
const archive = (url: string) => ({ imageBuilder: { url, sha256: digest } });

/** Each field of BuildInputs that has words, and the name by which it is refused; `defaults` is content. */
const fields: [field: string, name: string, spoil: (value: string) => InputsInit][] = [
  ['distro', 'distro:', (distro) => ({ distro })],
  ['version', 'version:', (version) => ({ version })],
  ['target', 'target:', (target) => ({ target })],
  ['target, behind a slash', 'target:', (value) => ({ target: `demo/${value}` })],
  ['profile', 'profile:', (profile) => ({ profile })],
  ['addPackages', 'packages:', (value) => ({ addPackages: ['vim', value] })],
  ['removePackages', 'packages:', (value) => ({ removePackages: ['ppp', value] })],
  ['revision', 'revision', (revision) => ({ revision })],
  ['imageBuilder.url', 'image_builder.url', (value) => archive(value)],
  ['imageBuilder.url, in a path', 'image_builder.url', (value) => archive(`https://x.example/${value}.tar.zst`)],
  [
    'imageBuilder.sha256',
    'image_builder.sha256',
    (sha256) => ({ imageBuilder: { url: 'https://x.example/ib.tar.zst', sha256 } }),
  ],
  ['feeds.name', 'feeds.name', (name) => ({ feeds: [{ name, sha256: digest }] })],
  ['feeds.sha256', 'feeds.sha256', (sha256) => ({ feeds: [{ name: 'luci', sha256 }] })],
  ['filesystem', 'filesystem:', (filesystem) => ({ filesystem })],
  ['repositories.name', 'repositories:', (name) => ({ repositories: [{ name, url: 'https://x.example/' }] })],
  ['repositories.url', 'repositories:', (url) => ({ repositories: [{ name: 'x', url }] })],
  [
    'repositories.url, in a path',
    'repositories:',
    (value) => ({ repositories: [{ name: 'x', url: `https://x.example/${value}` }] }),
  ],
  ['repositoryKeys', 'Repository key 1', (value) => ({ repositoryKeys: [value] })],
  ['versionUrl', 'version_url', (versionUrl) => ({ versionUrl })],
  ['versionUrl, in a path', 'version_url', (value) => ({ versionUrl: `https://x.example/${value}` })],
];

/** What means nothing in a place, by rows: paths and plain words in URLs, a plain word where a word is looked up. */
const LOOKED_UP = ['distro', 'version', 'revision', 'repositories.name'];
const GOOD_IN_A_PATH = [`-f${CANARY}.mk`, `SHELL=${CANARY}.sh`, 'vim=1.0', 'vim@repo', '~root/x'];
function isHarmless(field: string, { value, isPath, isWord }: CanaryRow): boolean {
  const isUrl = /url/i.test(field);
  if (isPath) return isUrl;
  if (isWord) return isUrl || LOOKED_UP.includes(field);
  return field.endsWith('in a path') && GOOD_IN_A_PATH.includes(value);
}

test('no field of an order is forgotten here', () => {
  const inputs = testOrder().inputs ?? {};
  const known = new Set(fields.map(([field]) => field.split(/[.,]/)[0]));
  // Numbers, and what is content.
  const others = ['$typeName', 'rootfsSizeMb', 'repositoriesMode', 'defaults'];
  expect(Object.keys(inputs).filter((field) => !known.has(field) && !others.includes(field))).toEqual([]);
});

// First, so that the ImageBuilder is there when the others come.
test('the first-boot script may hold any of them: it is content, ends in the image, and no canary sings', async () => {
  const defaults = MAKE_CANARY.map(({ value }) => sung(value, path.join(root, 'canary'))).join('\n');
  let last: unknown;
  const order = await goodBut({ defaults });
  for await (const event of build(order, { workshop, signal: new AbortController().signal })) last = event;
  expect(last).toMatchObject({ type: 'succeeded' });
  expect(await canariesIn(root)).toEqual([]);
  await workshop.removeWorkspace(order.leaseId);
});

describe.each(fields)('%s', (field, name, spoil) => {
  const rows = MAKE_CANARY.filter((row) => !isHarmless(field, row));

  test('is refused by its name, whatever of them it holds', () => {
    // A row that is left out is a claim that it means nothing there.
    expect(rows.length).toBeGreaterThanOrEqual(MAKE_CANARY.length - 8);
    for (const { value } of rows)
      expect(() => checkedOrder(testOrder(spoil(value))), JSON.stringify(value)).toThrowError(
        expect.objectContaining({ detail: expect.stringContaining(name) }),
      );
  });

  test('of an order that is good otherwise starts nothing, and no canary sings', async () => {
    for (const { value } of rows) {
      const inputs = spoil(sung(value, path.join(root, 'canary')));
      const steps: unknown[] = [];
      let last: unknown;
      const order = await goodBut(inputs);
      for await (const event of build(order, { workshop, signal: new AbortController().signal })) {
        if (event.type === 'step') steps.push(event.step);
        last = event;
      }
      expect(last, JSON.stringify(value)).toMatchObject({
        type: 'failed',
        failure: { kind: expect.stringMatching(/^(?:bad_request|internal)$/), detail: expect.stringContaining(name) },
      });
      expect(steps).toHaveLength(1);
    }
    expect(await canariesIn(root)).toEqual([]);
  });
});

/** An order that is built when nothing is spoilt. */
const goodBut = (inputs: InputsInit) =>
  demoOrder({ mirror, server }, 'opkg', { addPackages: ['vim'], removePackages: [], ...inputs });
