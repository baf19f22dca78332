/**
 * The numbered rules of the v1 API that are about requests: which of them are one, whatever their spelling, and which are
 * too many. The other rules are in v1-rules-wire.test.ts and v1-rules-answers.test.ts.
 */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { app } from '../app.ts';
import { env, foremanStats, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import { type FarmNode, finish, joinNode, lease, orderFor } from '../nodes/farm-node.fixture.ts';
import { emptyQueue, hashOf, until, wish } from './build-steps.fixture.ts';

let node: FarmNode;

const ROUTER = { target: 'ath79/generic', profile: 'tplink_archer-c7-v4', version: '24.10.2' };

beforeAll(async () => {
  const mirror = await openUpstream();
  mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64', 'ath79/generic': 'mips_24kc' } });
  const profiles = { 'tplink_archer-c7-v4': { supported_devices: ['archer-c7-v4', 'tplink,c7-v4'] }, other: {} };
  await mirror.publishTarget({
    version: '24.10.2',
    target: 'ath79/generic',
    arch: 'mips_24kc',
    profiles: { profiles },
  });
  mirror.publishArch('24.10.2', 'mips_24kc', { base: { curl: '8.1-r1' } });
  node = await joinNode(1);
});

describe('rule 11: equal requests', () => {
  it('are one build, whoever asks, and 200 at once when the image exists', async () => {
    const asked = wish();
    const spellings = [
      JSON.stringify(asked),
      JSON.stringify({ ...asked, client: 'auc/0.3' }),
      JSON.stringify(Object.fromEntries(Object.entries(asked).reverse()), null, 2),
      JSON.stringify({ ...asked, packages: [`+${asked.packages[0]}`, 'dnsmasq', asked.packages[0]] }),
    ];
    const hashes = new Set<string>();
    for (const body of spellings) hashes.add(String((await jsonOf(await post(body))).request_hash));
    const [hash = ''] = hashes;
    expect([...hashes]).toEqual([hash]);
    await finish(node, await orderFor(node));
    expect(await lease(node)).toBeNull();
    await until(hash, 'done');
    for (const body of spellings) {
      const answer = await post(body);
      expect([answer.status, (await jsonOf(answer)).request_hash]).toEqual([200, hash]);
    }
  });
});

describe('rule 12: `rootfs_size_mb`', () => {
  it('is a number, a number in digits, or nothing', async () => {
    const asked = wish();
    const nothing = await hashOf(asked);
    expect(await hashOf({ ...asked, rootfs_size_mb: null })).toBe(nothing);
    const number = await hashOf({ ...asked, rootfs_size_mb: 512 });
    expect(await hashOf({ ...asked, rootfs_size_mb: '512' })).toBe(number);
    expect(number).not.toBe(nothing);
    expect(await jsonOf(await post({ ...asked, rootfs_size_mb: '512' }))).toMatchObject({
      request: { rootfs_size_mb: 512 },
    });
    await emptyQueue(node);
  });
});

describe('rule 13: a profile', () => {
  it('is meant by its id, by its board name with a comma, and by every name of its images', async () => {
    const hash = await hashOf(ROUTER);
    for (const profile of ['tplink,archer-c7-v4', 'archer-c7-v4', 'tplink,c7-v4'])
      expect(await hashOf({ ...ROUTER, profile })).toBe(hash);
    expect(await hashOf({ ...ROUTER, profile: 'other' })).not.toBe(hash);
    expect((await post({ ...ROUTER, profile: 'nosuch' })).status).toBe(400);
  });

  it('has any name where there is none but `generic`', async () => {
    const asked = wish();
    const hash = await hashOf(asked);
    for (const profile of ['innotek-gmbh-virtualbox', 'qemu,standard-pc'])
      expect(await hashOf({ ...asked, profile })).toBe(hash);
    await emptyQueue(node);
  });
});

describe('rule 14: empty', () => {
  it.each([
    { defaults: '' },
    { repositories: {} },
    { repository_keys: [] },
    { packages_versions: {} },
    { defaults: '', repositories: {}, repository_keys: [], packages_versions: {}, version_code: '' },
  ])('%j is absent', async (empty) => {
    const asked = wish();
    expect(await hashOf({ ...asked, ...empty })).toBe(await hashOf(asked));
    await emptyQueue(node);
  });

  it('`packages` are absent', async () => {
    expect(await hashOf({ ...GOOD_REQUEST, packages: [] })).toBe(await hashOf(GOOD_REQUEST));
    await emptyQueue(node);
  });
});

describe('rule 17: a flood', () => {
  const settings = { ...env, BUILDS_PER_MINUTE: '3' };
  const postFrom = (address: string, request: object): Response | Promise<Response> =>
    app.request(
      '/api/v1/build',
      { method: 'POST', body: JSON.stringify(request), headers: { 'cf-connecting-ip': address } },
      settings,
    );

  it('of one client is refused and everybody else is queued; a refusal costs neither KV nor the Foreman', async () => {
    const flooder = '192.0.2.1';
    const accepted = [wish(), wish(), wish()];
    for (const request of accepted) expect((await postFrom(flooder, request)).status).toBe(202);
    const calls = async () => JSON.stringify((await foremanStats()).calls);
    const [before, read] = [await calls(), vi.spyOn(env.CACHE, 'get')];
    for (let n = 0; n < 20; n++) {
      const refused = await postFrom(flooder, wish());
      expect(refused.headers.has('retry-after')).toBe(true);
      expect(await jsonOf(refused)).toMatchObject({ status: 429, error_kind: 'too_many_requests' });
    }
    expect(read).not.toHaveBeenCalled();
    read.mockRestore();
    expect(await calls()).toBe(before);
    expect((await postFrom('198.51.100.1', wish())).status).toBe(202);
    await emptyQueue(node);
  });
});
