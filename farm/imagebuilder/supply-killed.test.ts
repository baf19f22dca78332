/** Supply in a process that dies or has no room, and what the next one finds: whole trees or none, nothing fetched twice. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DemoMirror, generateMirror } from '../demo/generate-mirror.ts';
import { type MirrorServer, serveMirror } from '../demo/mirror-server.ts';
import type { TreeSource } from './imagebuilder-supply.ts';
import { listener, sourceOn, supplyIn, trustIn } from './supply.fixture.ts';
import type { SupplyOutcome, SupplyTask } from './supply-process.fixture.ts';

let directory: string;
let mirror: DemoMirror;
let server: MirrorServer;
let wanted: TreeSource;
let archiveBytes: number;
/** What GNU tar makes of the archive. */
let reference: string;
let state: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'asu-killed-'));
  mirror = await generateMirror({ directory: path.join(directory, 'mirror') });
  server = await serveMirror(mirror.directory);
  wanted = await sourceOn(mirror, server.url, '24.10.2');
  const archive = path.join(mirror.directory, new URL(wanted.url).pathname);
  archiveBytes = (await stat(archive)).size;
  reference = path.join(directory, 'reference');
  await mkdir(reference);
  execFileSync('tar', ['-xf', archive, '-C', reference, '--strip-components=1', '--no-same-owner']);
});
afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true, maxRetries: 5 });
});
beforeEach(async () => {
  state = await mkdtemp(path.join(directory, 'state-'));
  server.forgetRequests();
});
afterEach(() => server.setFault(undefined));

const program = path.join(import.meta.dirname, 'supply-process.fixture.ts');
const taskOf = (work: SupplyTask['work'], more: Partial<SupplyTask> = {}) =>
  JSON.stringify({ state, key: mirror.publicKey, work, source: wanted, ...more } satisfies SupplyTask);
const tarballs = () => server.requests().filter((request) => /\.tar\./.test(request)).length;

/** Null: it was killed. */
async function run(work: SupplyTask['work'], dieAt?: number): Promise<SupplyOutcome | null> {
  const task = taskOf(work, dieAt === undefined ? {} : { dieAt });
  const child = promisify(execFile)(process.execPath, [program, task], { maxBuffer: 1 << 24 });
  return await child.then(
    ({ stdout }) => JSON.parse(stdout) as SupplyOutcome,
    (error) => {
      expect(error).toMatchObject({ signal: 'SIGKILL' });
      return null;
    },
  );
}

/** A new process of the node, as far as supply goes. */
async function restart() {
  const made = supplyIn(state, trustIn(mirror.publicKey));
  const told: string[] = [];
  await made.shelf.sweep((line) => told.push(line));
  await made.downloads.sweep(
    (sha256) => made.shelf.has(sha256),
    (line) => told.push(line),
  );
  return { ...made, told };
}

const expectWhole = (tree: string) =>
  expect(String(execFileSync('diff', ['-r', '--no-dereference', reference, tree]))).toBe('');

const names = async (below: string) => (await readdir(path.join(state, below)).catch(() => [])).sort();

/** Each step that is one of its kind, and a few of the many that write members. */
function stepsWorthDyingAt(steps: readonly string[]): number[] {
  const isOfMembers = (step: string) => /^(?:mkdirSync|writeSync|symlinkSync) /.test(step);
  const ofMembers = steps.flatMap((step, at) => (isOfMembers(step) ? [at] : []));
  const some = [0, 0.5, 1].map((part) => ofMembers[Math.floor(part * (ofMembers.length - 1))] ?? 0);
  return [...new Set([...steps.flatMap((step, at) => (isOfMembers(step) ? [] : [at])), ...some])].sort((a, b) => a - b);
}

test('killed before any step of fetching: whole or nothing, and what was whole is not fetched again', {
  timeout: 600_000,
}, async () => {
  const clean = await run('provide');
  expect(clean?.outcome).toBe('done');
  const steps = clean?.steps ?? [];
  // Else the fixture watches another file system than the one that supply works on.
  expect(steps.some((step) => step.startsWith('rename soon') && step.endsWith('.part'))).toBe(true);
  expect(steps.some((step) => step.startsWith('rename soon') && step.endsWith('.unpacking'))).toBe(true);
  expect(steps.some((step) => step.startsWith('rename soon') && step.endsWith('.json.new'))).toBe(true);
  for (const dieAt of stepsWorthDyingAt(steps)) {
    const where = `${dieAt}: ${steps[dieAt]}`;
    await rm(state, { recursive: true, maxRetries: 5 });
    await mkdir(state);
    expect(await run('provide', dieAt), where).toBeNull();

    const { supply, shelf } = await restart();
    const isThere = await shelf.has(wanted.sha256);
    if (isThere) expectWhole(shelf.treeOf(wanted.sha256));
    for (const name of await names('imagebuilders')) expect(name, where).toMatch(/^[0-9a-f]{64}(?:\.json)?$/);
    const archive = path.join(state, 'downloads', wanted.sha256);
    const sizes = await Promise.all([archive, `${archive}.part`].map((file) => stat(file).catch(() => null)));
    const isWhole = isThere || sizes.some((entry) => entry?.size === archiveBytes);
    server.forgetRequests();
    using held = await supply.provide(wanted, listener());
    expectWhole(held.tree);
    expect([where, tarballs()]).toEqual([where, isWhole ? 0 : 1]);
    expect([await names('downloads'), await names('imagebuilders')], where).toEqual([
      [],
      [wanted.sha256, `${wanted.sha256}.json`],
    ]);
  }
});

test('killed before any step of removing: the whole tree is there, or nothing of it', {
  timeout: 600_000,
}, async () => {
  const provide = async () => {
    const { supply } = await restart();
    (await supply.provide(wanted, listener()))[Symbol.dispose]();
  };
  await provide();
  const clean = await run('remove');
  expect(clean).toMatchObject({ outcome: 'done', imageBuilders: [] });
  const steps = clean?.steps ?? [];
  expect(steps.map((step) => step.split(' ')[0])).toEqual(expect.arrayContaining(['renameSync', 'rmSync', 'rm']));
  for (let dieAt = 0; dieAt < steps.length; dieAt++) {
    await provide();
    expect(await run('remove', dieAt), steps[dieAt]).toBeNull();
    const { shelf } = await restart();
    const isThere = await shelf.has(wanted.sha256);
    if (isThere) expectWhole(shelf.treeOf(wanted.sha256));
    expect(await names('imagebuilders'), steps[dieAt]).toEqual(isThere ? [wanted.sha256, `${wanted.sha256}.json`] : []);
  }
});

test('killed in the middle of a download: the next process goes on where it was', async () => {
  server.setFault((asked) =>
    asked.includes('.tar.') ? { trickle: { atOnceBytes: 200_000, bytes: 1, everyMs: 1000 } } : undefined,
  );
  const child = spawn(process.execPath, [program, taskOf('provide')]);
  const part = path.join(state, 'downloads', `${wanted.sha256}.part`);
  while (((await stat(part).catch(() => null))?.size ?? 0) < 200_000) await sleep(20);
  child.kill('SIGKILL');
  await once(child, 'exit');
  server.setFault(undefined);

  const { supply } = await restart();
  const next = listener();
  using held = await supply.provide(wanted, next);
  expectWhole(held.tree);
  const began = next.heard.find((progress) => progress.step === 'download' && progress.bytesTotal > 0);
  expect(began).toMatchObject({ bytesTotal: archiveBytes });
  expect(began?.step === 'download' && began.bytesDone).toBeGreaterThanOrEqual(200_000);
});

test('what a week did not need is dropped; what is not ours is left', async () => {
  const { downloads, supply } = await restart();
  const [old, young] = ['a'.repeat(64), 'b'.repeat(64)];
  (await downloads.use(old))[Symbol.dispose]();
  for (const name of [`${old}.part`, `${young}.part`, 'of-somebody'])
    execFileSync('touch', ['-d', name.startsWith(old) ? '8 days ago' : 'now', path.join(state, 'downloads', name)]);
  await mkdir(path.join(state, 'imagebuilders'));
  execFileSync('touch', [path.join(state, 'imagebuilders', 'README')]);
  await restart();
  expect([await names('downloads'), await names('imagebuilders')]).toEqual([
    [`${young}.part`, 'of-somebody'],
    ['README'],
  ]);
  (await supply.provide(wanted, listener()))[Symbol.dispose]();
});

/** A file system of so many KiB that only the child sees and that ends with it; as root, or in a user namespace. */
async function runOnSmallDisk(kib: number): Promise<SupplyOutcome> {
  const script = 'mount -t tmpfs -o "size=$1k" tmpfs "$2" && exec "$3" "$4" "$5"';
  const namespaces = process.getuid?.() === 0 ? ['-m'] : ['-r', '-m'];
  const { stdout } = await promisify(execFile)(
    'unshare',
    [...namespaces, 'sh', '-c', script, 'sh', String(kib), state, process.execPath, program, taskOf('provide')],
    { maxBuffer: 1 << 24 },
  );
  return JSON.parse(stdout) as SupplyOutcome;
}

describe('a disk that is full', () => {
  test('while downloading is told as that, and the part does not stay in the way', async () => {
    expect(await runOnSmallDisk(Math.floor(archiveBytes / 2048))).toMatchObject({
      outcome: 'disk_full',
      downloads: [],
      imageBuilders: [],
    });
  });

  test('while unpacking is told as that; no half tree stays, and the archive need not be fetched again', async () => {
    expect(await runOnSmallDisk(Math.floor(archiveBytes / 1024) + 100)).toMatchObject({
      outcome: 'disk_full',
      downloads: [wanted.sha256],
      imageBuilders: [],
    });
  });

  test('with room enough is none', async () => {
    const { outcome } = await runOnSmallDisk(Math.floor(archiveBytes / 1024) * 5);
    expect(outcome).toBe('done');
  });
});
