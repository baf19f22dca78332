/**
 * Whole builds with the demo distribution's ImageBuilders, of both eras: real archives, a real make, a real HTTP mirror.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseUsignPublicKey } from '../../shared/crypto/usign.ts';
import { type BuildOrder, BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import type { BuildEvent, BuildFailure, BuildOutput } from '../agent/build-event.ts';
import { type DemoMirror, generateMirror } from '../demo/generate-mirror.ts';
import { type MirrorServer, serveMirror } from '../demo/mirror-server.ts';
import { type Fence, probeFence } from '../fence/fence.ts';
import { type BuildContext, build } from './build.ts';
import { demoOrder, type ServedMirror } from './demo-order.fixture.ts';
import type { InputsInit } from './test-order.fixture.ts';
import { testWorkshop } from './test-workshop.fixture.ts';
import type { Workshop } from './workshop.ts';

let root: string;
let mirror: DemoMirror;
let server: MirrorServer;
let fence: Fence;
let slow: ServedMirror;
/** Shared by tests that do not look at the node's disk, as a node shares its trees between builds. */
let warmState: string;
/** New for each test. */
let state: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'build-'));
  fence = await probeFence(root);
  warmState = path.join(root, 'warm');
  mirror = await generateMirror({ directory: path.join(root, 'mirror') });
  server = await serveMirror(mirror.directory);
  const slowMirror = await generateMirror({ directory: path.join(root, 'slow'), delaySeconds: 600 });
  slow = { mirror: slowMirror, server: await serveMirror(slowMirror.directory) };
});

afterAll(async () => {
  for (const workshop of workshops.values()) await (await workshop).close();
  await server.close();
  await slow.server.close();
  await rm(root, { recursive: true, maxRetries: 5 });
});

beforeEach(async () => {
  state = await mkdtemp(path.join(root, 'state-'));
});

afterEach(() => server.setFault(undefined));

type Era = 'opkg' | 'apk';

const PATIENCE = { timeout: 60_000 };

const orderOf = (
  era: Era,
  inputs: InputsInit = {},
  from: ServedMirror = { mirror, server },
  order: { leaseId?: string; deadlineMs?: bigint } = {},
): Promise<BuildOrder> => demoOrder(from, era, inputs, order);

interface Ended {
  readonly steps: string[];
  readonly events: BuildEvent[];
  readonly last: BuildEvent | undefined;
}

/** One for each state directory, as a node has. */
const workshops = new Map<string, Promise<Workshop>>();
function workshopIn(stateDirectory: string): Promise<Workshop> {
  const known = workshops.get(stateDirectory);
  if (known) return known;
  const opened = testWorkshop(stateDirectory, { fence, downloadLimits: { backoffMs: 1 } });
  workshops.set(stateDirectory, opened);
  return opened;
}

type Context = Partial<Omit<BuildContext, 'workshop'>> & { readonly stateDirectory?: string };

async function follow(order: BuildOrder, context: Context = {}, on?: (event: BuildEvent) => void): Promise<Ended> {
  const events: BuildEvent[] = [];
  const { stateDirectory = state, ...rest } = context;
  for await (const event of build(order, {
    workshop: await workshopIn(stateDirectory),
    signal: new AbortController().signal,
    killGraceMs: 500,
    ...rest,
  })) {
    events.push(event);
    on?.(event);
  }
  const steps = events.flatMap((event) => (event.type === 'step' ? [BuildStep[event.step]] : []));
  return { steps: steps.filter((step, index) => step !== steps[index - 1]), events, last: events.at(-1) };
}

const linesOf = (events: readonly BuildEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'log' ? event.lines : []));

async function succeed(order: BuildOrder, context?: Context): Promise<BuildOutput> {
  const { last } = await follow(order, context);
  if (last?.type !== 'succeeded') throw new Error(`expected success, got ${JSON.stringify(last)}`);
  return last.result;
}

async function fail(order: BuildOrder, context?: Context): Promise<BuildFailure> {
  const { last } = await follow(order, context);
  if (last?.type !== 'failed') throw new Error(`expected a failure, got ${JSON.stringify(last)}`);
  return last.failure;
}

/** Processes that work somewhere below `directory`, as the kernel knows them. */
async function processesIn(directory: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name));
  const places = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return pids.filter((_, index) => places[index]?.startsWith(directory));
}

const allSteps = [
  'INIT',
  'DOWNLOAD_IMAGEBUILDER',
  'UNPACK_IMAGEBUILDER',
  'CONTAINER_SETUP',
  'VALIDATE_REVISION',
  'BUILDING_IMAGE',
  'SIGNING_IMAGES',
];

describe.each<Era>(['opkg', 'apk'])('%s', (era) => {
  test('an image is made, its files agree with every digest, and two nodes make the same bytes', async () => {
    const order = await orderOf(era, { addPackages: ['vim'], removePackages: ['ppp-mod-pppoe'] });
    server.forgetRequests();
    const { steps, events, last } = await follow(order);
    if (last?.type !== 'succeeded') throw new Error(`expected success, got ${JSON.stringify(last)}`);
    expect(steps).toEqual(allSteps);
    expect(events.filter(({ type }) => type === 'succeeded')).toHaveLength(1);
    const printed = linesOf(events);
    expect(printed).toEqual(expect.arrayContaining(['Installing packages...', 'Building images...']));
    // Neither the table of all profiles nor the manifest: what is made for us is not shown.
    expect(printed.join('\n')).not.toContain('Available Profiles');
    expect(printed.join('\n')).not.toContain(root);
    const download = events.findLast(
      (event) => event.type === 'step' && event.step === BuildStep.DOWNLOAD_IMAGEBUILDER,
    );
    expect(download).toMatchObject({ bytesDone: expect.toSatisfy((bytes: number) => bytes > 100_000) });
    const { result } = last;
    // The ImageBuilder itself names another host.
    const feeds = `/${order.inputs?.version === 'SNAPSHOT' ? 'snapshots' : `releases/${order.inputs?.version}`}/packages/`;
    expect(server.requests()).toContainEqual(expect.stringContaining(feeds));

    for (const file of result.files) {
      const bytes = await readFile(file.path);
      expect({ name: file.name, sha256: file.sha256, size: file.sizeBytes }).toEqual({
        name: file.name,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        size: bytes.length,
      });
    }
    const document = JSON.parse(result.profilesJson);
    const images = document.profiles['acme_ax3000-v1'].images as {
      name: string;
      sha256: string;
      sha256_unsigned: string;
    }[];
    expect(images.map(({ name, sha256 }) => ({ name, sha256 }))).toEqual(
      result.images.map(({ name, sha256 }) => ({ name, sha256 })),
    );
    for (const image of images) expect(image.sha256).toBe(image.sha256_unsigned);
    expect(result.images.map(({ type }) => type)).toContain('sysupgrade');
    expect(result.files.map(({ name }) => name)).toEqual(expect.arrayContaining(['profiles.json', 'sha256sums']));
    expect(result.manifest).toHaveProperty('vim');
    expect(result.manifest).toHaveProperty('libncurses');
    expect(result.manifest).not.toHaveProperty('ppp-mod-pppoe');
    expect(result.buildCommand.join(' ')).not.toContain(state);
    expect(result.buildCommand).toContain('PACKAGES=vim -ppp-mod-pppoe');

    const again = await succeed(await orderOf(era, { addPackages: ['vim'], removePackages: ['ppp-mod-pppoe'] }), {
      stateDirectory: await mkdtemp(path.join(root, 'other-')),
    });
    const digests = ({ files }: BuildOutput) => files.map(({ name, sha256 }) => `${sha256} ${name}`);
    expect(digests(again)).toEqual(digests(result));

    expect(await readdir(path.join(state, 'work', order.leaseId))).toEqual(['bin']);
    await (await workshopIn(state)).removeWorkspace(order.leaseId);
    expect(await readdir(path.join(state, 'work'))).toEqual([]);
  });

  test.each<[string, InputsInit, Partial<BuildFailure>]>([
    [
      'a package that nobody has',
      { addPackages: ['nosuchpkg'] },
      {
        kind: 'unknown_package',
        detail: 'Error: Impossible package selection: missing (nosuchpkg)',
        missingPackages: ['nosuchpkg'],
      },
    ],
    [
      'the name of a file of the ImageBuilder’s, which apk takes for a package',
      { addPackages: ['vim', 'Makefile'] },
      { kind: 'unknown_package', missingPackages: ['Makefile'] },
    ],
    [
      'a dependency that nobody has',
      { addPackages: ['demo-brokendep'] },
      { kind: 'unknown_package', detail: 'Error: Impossible package selection: missing (libdoesnotexist)' },
    ],
    [
      'two packages that exclude each other',
      { addPackages: ['demo-conflict-a', 'demo-conflict-b'] },
      {
        kind: 'conflict',
        detail: 'Error: Impossible package selection: conflicts (demo-conflict-a, demo-conflict-b)',
        conflictingPackages: ['demo-conflict-a', 'demo-conflict-b'],
      },
    ],
    [
      'two packages with one file',
      { addPackages: ['demo-clash'] },
      { kind: 'conflict', conflictingPackages: ['demo-clash', 'dropbear'] },
    ],
    [
      'more than the device holds',
      { profile: '3oaks_pocket2', addPackages: ['demo-huge'] },
      { kind: 'image_too_big', detail: 'Error: Selected packages exceed device storage' },
    ],
    ['a script that fails', { addPackages: ['demo-badpostinst'] }, { kind: 'build_failed' }],
    ['a damaged package', { addPackages: ['demo-corrupt'] }, { kind: 'upstream_unavailable', missingPackages: [] }],
    ['a profile that the ImageBuilder does not have', { profile: 'acme_ax3000' }, { kind: 'unsupported' }],
    ['an ImageBuilder of another revision', { revision: 'r1-0123456789' }, { kind: 'upstream_unavailable' }],
  ])('%s: the reason is told, and nothing is left behind', async (_, inputs, expected) => {
    const order = await orderOf(era, inputs);
    const failure = await fail(order, { stateDirectory: warmState });
    expect(failure).toMatchObject(expected);
    expect(JSON.stringify(failure)).not.toContain(root);
    expect(await readdir(path.join(warmState, 'work'))).not.toContain(order.leaseId);
  });

  test('a later build of the same indexes finds its packages where it looks for them, and asks for none', async () => {
    const { counters } = (await workshopIn(state)).packages;
    const asked = async () => {
      const before = counters.hits + counters.misses;
      const { manifest } = await succeed(await orderOf(era, { addPackages: ['vim'] }));
      return { requests: counters.hits + counters.misses - before, packages: Object.keys(manifest).length };
    };
    const first = await asked();
    const second = await asked();
    expect(second.packages).toBe(first.packages);
    // All that is left are indexes.
    expect(second.requests).toBeLessThanOrEqual(14);
    expect(first.requests).toBeGreaterThan(first.packages - 5);
  });

  test('a feed that cannot be read is the mirror’s fault, whether or not the selection needs it', async () => {
    server.setFault((file) => (file.includes('/telephony/') ? { status: 503 } : undefined));
    for (const addPackages of [['vim'], ['asterisk']]) {
      const failure = await fail(await orderOf(era, { addPackages }), { stateDirectory: warmState });
      expect(failure).toMatchObject({ kind: 'upstream_unavailable', missingPackages: [] });
      expect(failure.detail).toContain('/telephony/');
    }
  });

  test('the first-boot script reaches the image, and nothing that is told about the build', async () => {
    const defaults = 'uci set system.@system[0].hostname=hunter2hunter2\n';
    const order = await orderOf(era, { defaults });
    const { events, last } = await follow(order);
    if (last?.type !== 'succeeded') throw new Error(`expected success, got ${JSON.stringify(last)}`);
    const rootfs = last.result.files.find(({ name }) => name.endsWith('rootfs.tar.gz'));
    const list = ['-tvzf', rootfs?.path ?? '', '--wildcards', '*etc/uci-defaults/99-asu-defaults'];
    expect(execFileSync('tar', list).toString()).toMatch(/^-rw-------/);
    expect(JSON.stringify(events)).not.toContain('hunter2');
    expect(linesOf(events)).toEqual([]);
    // Of the workspace only the images are left; they hold it, as they must.
    expect(await readdir(path.join(state, 'work', order.leaseId))).toEqual(['bin']);

    const failure = await fail(await orderOf(era, { defaults, addPackages: ['demo-badpostinst'] }), {
      stateDirectory: warmState,
    });
    expect(failure.kind).toBe('build_failed');
    expect(JSON.stringify(failure)).not.toContain('hunter2');
  });

  test.each(['abort', 'deadline'] as const)('at the %s every process of the build ends', async (way) => {
    const controller = new AbortController();
    const deadlineMs = way === 'abort' ? 3_600_000n : 15_000n;
    const order = await orderOf(era, {}, slow, { deadlineMs });
    let hasEnded = false;
    const watching = (async () => {
      while (!hasEnded) {
        await sleep(20);
        if ((await processesIn(path.join(state, 'work'))).length === 0) continue;
        if (way === 'abort') controller.abort();
        return 'seen';
      }
      return 'never seen';
    })();
    const { last } = await follow(order, { signal: controller.signal, now: () => 0 });
    hasEnded = true;
    expect(await watching).toBe('seen');
    expect(last).toMatchObject({ type: 'failed', failure: { kind: way === 'abort' ? 'node_lost' : 'timeout' } });
    // One that was still warming a new tree for whoever wants it has left that to be called off behind it.
    await expect.poll(() => processesIn(state), PATIENCE).toEqual([]);
    await expect.poll(() => readdir(path.join(state, 'work')), PATIENCE).toEqual([]);
  });
});

test('a second build of the same ImageBuilder downloads and unpacks nothing', async () => {
  const unbuildable = await orderOf('opkg', { profile: 'nosuch' });
  await fail(unbuildable);
  server.forgetRequests();
  const { steps } = await follow(unbuildable);
  expect(steps).toEqual(['INIT', 'CONTAINER_SETUP', 'VALIDATE_REVISION']);
  expect(server.requests()).toEqual([]);
});

test('two builds at once share one download, make one image each, and leave the tree as it was', async () => {
  server.forgetRequests();
  const context = { stateDirectory: state };
  await Promise.all([
    fail(await orderOf('opkg', { profile: 'nosuch' }, { mirror, server }, { leaseId: 'one' }), context),
    fail(await orderOf('opkg', { profile: 'nosuch' }, { mirror, server }, { leaseId: 'other' }), context),
  ]);
  expect(server.requests().filter((request) => request.includes('imagebuilder'))).toHaveLength(1);
  const order = await orderOf('opkg', {}, { mirror, server }, { leaseId: 'one' });
  const pack = ['--sort=name', '-cf', '-', order.inputs?.imageBuilder?.sha256 ?? ''];
  const digest = () =>
    createHash('sha256').update(execFileSync('tar', pack, { cwd: path.join(state, 'imagebuilders') }));
  const before = digest().digest('hex');
  const [one, other] = await Promise.all([
    succeed(order, context),
    succeed(await orderOf('opkg', { addPackages: ['nano'] }, { mirror, server }, { leaseId: 'other' }), context),
  ]);
  expect(one.manifest).not.toHaveProperty('nano');
  expect(other.manifest).toHaveProperty('nano');
  expect(digest().digest('hex')).toBe(before);
});

test.each<[string, object]>([
  ['answers with a page', { html: true }],
  ['has it no more', { status: 404 }],
  ['cuts it off each time', { truncateAt: 1000 }],
])('a mirror that %s instead of the ImageBuilder is told as the mirror’s fault', async (_, fault) => {
  server.setFault((file) => (file.includes('imagebuilder') ? fault : undefined));
  expect(await fail(await orderOf('apk'))).toMatchObject({ kind: 'upstream_unavailable' });
});

test('an ImageBuilder with other bytes than were signed is not unpacked', async () => {
  const order = await orderOf('apk');
  server.setFault((file) => (file.includes('imagebuilder') ? { body: 'something else' } : undefined));
  const failure = await fail(order);
  expect(failure.kind).toBe('upstream_unavailable');
  expect(failure.detail).toContain(`expected sha256 ${order.inputs?.imageBuilder?.sha256}, got `);
  expect(await readdir(path.join(state, 'imagebuilders'))).toEqual([]);
});

test('an ImageBuilder that upstream did not sign is not fetched, whatever the order says', async () => {
  const { imageBuilder } = (await orderOf('apk')).inputs ?? {};
  server.forgetRequests();
  const failure = await fail(
    await orderOf('apk', { imageBuilder: { url: imageBuilder?.url ?? '', sha256: 'a'.repeat(64) } }),
  );
  expect(failure.kind).toBe('upstream_unavailable');
  expect(failure.detail).toContain(`upstream's sha256sums lists ${imageBuilder?.sha256}`);
  expect(server.requests().filter((request) => request.includes('imagebuilder'))).toEqual([]);
});

test('a key by the id of one that the ImageBuilder trusts is refused as such; that key itself changes nothing', async () => {
  const own = parseUsignPublicKey(mirror.publicKey);
  const id = Buffer.from(own.keyId, 'hex');
  const another = Buffer.concat([Buffer.from('Ed'), id, Buffer.alloc(32, 1)]).toString('base64');
  for (const repositoryKeys of [[another], [mirror.publicKey, another]])
    expect(await fail(await orderOf('opkg', { repositoryKeys }), { stateDirectory: warmState })).toMatchObject({
      kind: 'bad_request',
      detail: `Repository key not allowed: ${own.keyId} is the id of another key`,
    });
  await succeed(await orderOf('opkg', { repositoryKeys: [mirror.publicKey] }), { stateDirectory: warmState });
});

test('no field of an order makes anything run: the canary is never touched', async () => {
  const canary = path.join(state, 'canary');
  const run = [
    `$(shell touch ${canary})`,
    `\`touch ${canary}\``,
    `";touch ${canary};"`,
    `';touch ${canary};'`,
    `x;touch ${canary}`,
  ];
  const hostile = run.flatMap((text): InputsInit[] => [
    { addPackages: [text] },
    { removePackages: [text] },
    { profile: text },
    { target: text },
    { version: text },
    { distro: text },
    { revision: text },
    { filesystem: text },
    { versionUrl: `${server.url}/${text}` },
    { imageBuilder: { url: `${server.url}/${text}.tar.gz`, sha256: 'a'.repeat(64) } },
    { repositories: [{ name: text, url: server.url }] },
    { repositories: [{ name: 'x', url: `${server.url}/${text}` }] },
    { repositoryKeys: [text] },
  ]);
  for (const inputs of hostile) {
    const { steps, last } = await follow(await orderOf('opkg', inputs));
    expect(last?.type).toBe('failed');
    expect(steps).toEqual(['INIT']);
  }
  // The script of first boot may hold anything: it is content, and never a word.
  await succeed(await orderOf('opkg', { defaults: run.join('\n') }), { stateDirectory: warmState });
  expect(await readdir(state)).not.toContain('canary');
});

test('a reader that stops listening stops the build', async () => {
  const order = await orderOf('opkg', {}, slow);
  const events = build(order, {
    workshop: await workshopIn(state),
    signal: new AbortController().signal,
    killGraceMs: 500,
  });
  for await (const event of events) if (event.type === 'step' && event.step === BuildStep.BUILDING_IMAGE) break;
  expect(await processesIn(state)).toEqual([]);
  expect(await readdir(path.join(state, 'work'))).toEqual([]);
});

test('an order whose deadline is over starts nothing', async () => {
  const failure = await fail(await orderOf('opkg', {}, { mirror, server }, { deadlineMs: 1n }));
  expect(failure.kind).toBe('timeout');
});

test('a disk that cannot be written is a fault of ours, without its path', async () => {
  await workshopIn(state);
  await writeFile(path.join(state, 'work'), '');
  const faults: unknown[] = [];
  const failure = await fail(await orderOf('opkg'), { onFault: (error) => faults.push(error) });
  expect(failure).toMatchObject({ kind: 'internal', detail: expect.not.stringContaining(state) });
  expect(faults).toHaveLength(1);
});

test('packages that exclude each other, of which opkg asks only the first, are found in the image', async () => {
  expect(await fail(await orderOf('opkg', { addPackages: ['demo-onesided'] }))).toMatchObject({
    kind: 'conflict',
    detail: 'Error: Impossible package selection: conflicts (demo-onesided, dnsmasq)',
    conflictingPackages: ['demo-onesided', 'dnsmasq'],
  });
});
