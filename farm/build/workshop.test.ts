/** What a node finds of an earlier life, what it clears away before it works, and what its builds share. */
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { generateMirror } from '../demo/generate-mirror.ts';
import { serveMirror } from '../demo/mirror-server.ts';
import { build } from './build.ts';
import { demoOrder } from './demo-order.fixture.ts';
import { testWorkshop } from './test-workshop.fixture.ts';
import { createWorkspace } from './workspace.ts';

let state: string;
beforeEach(async () => {
  state = await mkdtemp(path.join(tmpdir(), 'workshop-'));
});
afterEach(async () => await rm(state, { recursive: true }));

const tree = (digit: string): string => digit.repeat(64);

test('after a crash its leftovers are removed; ImageBuilders stay, and downloads that can be resumed', async () => {
  for (const leaseId of ['lost', 'lost-too']) await createWorkspace(state, leaseId);
  for (const name of [tree('a'), `${tree('b')}.unpacking`])
    await mkdir(path.join(state, 'imagebuilders', name), { recursive: true });
  await writeFile(path.join(state, 'imagebuilders', `${tree('a')}.info`), 'kept');
  await writeFile(path.join(state, 'imagebuilders', `${tree('a')}.info.lost`), 'a draft');
  await mkdir(path.join(state, 'downloads'));
  for (const name of [`${tree('d')}.part`, `${tree('e')}.part`])
    await writeFile(path.join(state, 'downloads', name), 'bytes');
  const weekAgo = Date.now() / 1000 - 8 * 24 * 3600;
  await utimes(path.join(state, 'downloads', `${tree('e')}.part`), weekAgo, weekAgo);

  const workshop = await testWorkshop(state);
  expect(await readdir(path.join(state, 'work'))).toEqual([]);
  expect((await readdir(path.join(state, 'imagebuilders'))).sort()).toEqual([tree('a'), `${tree('a')}.info`]);
  expect(await readdir(path.join(state, 'downloads'))).toEqual([`${tree('d')}.part`]);
  await workshop.close();
});

test('a workspace is nobody’s to remove until it is given up, and then counts as what may go', async () => {
  const workshop = await testWorkshop(state, { diskBytes: 50_000 });
  workshop.workspaces.occupy('lease1');
  const { binDirectory } = await createWorkspace(state, 'lease1');
  await writeFile(path.join(binDirectory, 'image'), Buffer.alloc(40_000));
  workshop.workspaces.saw('lease1', 40_000);
  expect(await workshop.budget.makeRoom(30_000)).toBe(false);
  expect(await readdir(path.join(state, 'work'))).toEqual(['lease1']);
  await workshop.removeWorkspace('lease1');
  expect(await readdir(path.join(state, 'work'))).toEqual([]);
  expect(await workshop.budget.makeRoom(30_000)).toBe(true);
  await workshop.close();
});

test('a mirror that has everything at another server of its network: builds go there where the owner named that', {
  timeout: 60_000,
}, async () => {
  const mirror = await generateMirror({ directory: path.join(state, 'mirror') });
  const [server, other] = [await serveMirror(mirror.directory), await serveMirror(mirror.directory)];
  server.setFault((asked) => ({ redirectTo: `${other.url}${asked}` }));
  const ended = async (name: string, mirrorRedirectsTo: readonly string[]) => {
    const workshop = await testWorkshop(path.join(state, name), { mirrorRedirectsTo });
    const signal = new AbortController().signal;
    let last: unknown;
    const order = await demoOrder({ mirror, server }, 'apk', { addPackages: ['vim'] });
    for await (const event of build(order, { workshop, signal })) last = event;
    await workshop.close();
    return last;
  };
  try {
    expect(await ended('not-told', [])).toMatchObject({
      failure: {
        kind: 'upstream_unavailable',
        detail: expect.stringContaining('at a host that --mirror-redirects-to does not name'),
      },
    });
    expect(other.requests()).toEqual([]);
    expect(await ended('told', [new URL(other.url).host])).toMatchObject({ type: 'succeeded' });
    expect(other.requests().filter((line) => line.includes('/packages/')).length).toBeGreaterThan(0);
  } finally {
    await server.close();
    await other.close();
  }
});
