/** The log of a build among its files: what it printed, and who never sees that. */
import { describe, expect, it } from 'vitest';
import { ask, GOOD_REQUEST, jsonOf, post } from '../edge.fixture.ts';
import type { FarmNode } from '../nodes/farm-node.fixture.ts';
import { seedJson } from '../seed/request.fixture.ts';
import { bodyOf, endBuild, textOf, withSeedFiles } from './seed-files.fixture.ts';

let node: FarmNode;
let hash = '';
let path = '';

withSeedFiles((built) => {
  ({ node, hash, path } = built);
});

describe('build.log', () => {
  const PRIVATE = 'The log of an image with defaults is not shown.\n';
  const failed = (more: object = {}) =>
    endBuild(node, { failure: { kind: 'build_failed', detail: 'Error: x' }, ...more });
  const logOf = (requestHash: string) => textOf(`/json/${requestHash}/build.log`);

  it('is what the build printed, without what a terminal would obey', async () => {
    const response = await ask(`/json/${path}/build.log`);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await bodyOf(response)).toBe('make: entering\nmake: done\n');
    expect(await logOf(hash)).toBe('make: entering\nmake: done\n');
  });

  it('of a build that failed lies under its whole hash, and alone', async () => {
    const requestHash = await failed({ log: ['make: it cannot be done\n'] });
    expect(await logOf(requestHash)).toBe('make: it cannot be done\n');
    for (const url of [`/json/${requestHash}/`, `/json/${requestHash.slice(0, 32)}/build.log`])
      expect(await seedJson(await ask(url))).toMatchObject({ status: 404 });
  });

  it('of which no piece is kept is what the failure holds', async () => {
    const failure = { kind: 'build_failed', detail: 'Error: x', stdout: 'out\u001b[1m\r\n', stderr: 'err' };
    expect(await logOf(await failed({ failure }))).toBe('out\nerr\n');
  });

  it('of which nothing is kept says so', async () => {
    expect(await logOf(await failed())).toBe('The log of this build is not kept.\n');
    expect(await logOf((await endBuild(node)).slice(0, 32))).toBe('The log of this build is not kept.\n');
  });

  it('of an image with defaults is never shown, nor is what its failure holds', async () => {
    const request = { defaults: 'echo hunter2' };
    const log = ['hunter2\n'];
    const built = await endBuild(node, { request: { ...request, packages: ['a1'] } });
    const failure = { kind: 'build_failed', detail: 'Error: x', stdout: 'hunter2', stderr: 'hunter2' };
    const broken = await endBuild(node, { request: { ...request, packages: ['a2'] }, failure });
    // A node that sends one all the same is refused.
    await expect(endBuild(node, { request: { ...request, packages: ['a3'] }, log })).rejects.toThrow('403');
    for (const one of [built, built.slice(0, 32), broken]) {
      expect(await logOf(one)).toBe(PRIVATE);
      expect((await ask(`/json/${one}/build.log`)).headers.get('cache-control')).toBe('no-store');
    }
  });

  it('of a build that goes on is not there yet', async () => {
    const { request_hash } = await jsonOf(await post({ ...GOOD_REQUEST, packages: ['goes-on'] }));
    expect(await seedJson(await ask(`/json/${request_hash}/build.log`))).toMatchObject({
      status: 404,
      error: 'the build has not ended',
    });
    await failed({ request: { packages: ['goes-on'] } });
  });
});
