/** What can only fail is told at once, and neither the queue nor a node hears of it. */
import { beforeAll, describe, expect, it, test, vi } from 'vitest';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import type { Mirror } from '../catalogue/mirror.fixture.ts';
import { foremanStats, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import { joinNode, lease, report } from '../nodes/farm-node.fixture.ts';

let mirror: Mirror;
/** Of the opkg era, whose indexes tell what packages provide. */
const opkg = { version: '24.10.4', target: 'x86/64', profile: 'generic' };

beforeAll(async () => {
  mirror = await openUpstream();
  mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64' }, '24.10.4': { 'x86/64': 'x86_64' } });
  await mirror.publishTarget({
    version: opkg.version,
    target: opkg.target,
    arch: 'x86_64',
    era: 'opkg',
    kmods: { 'kmod-e1000': '6.6.93-r1' },
  });
  mirror.publishArch(opkg.version, 'x86_64', { base: { curl: '8.1-r1' }, luci: { 'luci-base': '25.1' } }, 'opkg');
});

const submissions = async (): Promise<number> => (await foremanStats()).calls.submit ?? 0;

describe('at once, in the words of a failed build', () => {
  it.each<[string, object, number, string, string]>([
    [
      'packages that exist nowhere',
      { ...opkg, packages: ['zzz', 'curl', 'a-typo', '-no-default'] },
      500,
      'unknown_package',
      'Error: Impossible package selection: missing (a-typo, zzz)',
    ],
    [
      'a package in another version than upstream has',
      { ...opkg, packages: ['curl'], packages_versions: { curl: '8.0-r1' } },
      500,
      'version_mismatch',
      'Error: Impossible package selection: curl version not as requested: 8.0-r1 vs. 8.1-r1',
    ],
    [
      'a revision that upstream has left behind',
      { ...opkg, version_code: 'r1-0123456789' },
      500,
      'revision_changed',
      'Error: Received incorrect version r28427-6df0e3d02a (requested r1-0123456789)',
    ],
    ['another distribution', { ...opkg, distro: 'unheard-of' }, 400, 'unsupported', 'Unsupported distro: unheard-of'],
  ])('%s', async (_, request, status, kind, detail) => {
    const before = await submissions();
    const answer = await post(request);
    expect(answer.status).toBe(status);
    expect(await jsonOf(answer)).toMatchObject({ error_kind: kind, detail });
    expect(await submissions()).toBe(before);
  });
});

describe('nothing is said too early', () => {
  it.each<[string, object]>([
    ['where the index lists no provides', { ...GOOD_REQUEST, packages: ['perhaps-provided'] }],
    ['of a default that is to go', { ...opkg, packages: ['-no-such-default', 'curl'] }],
    ['of a package that is there', { ...opkg, packages: ['luci-base', 'kmod-e1000'] }],
  ])('%s', async (_, request) => {
    expect((await post(request)).status).toBe(202);
  });
});

test('a failure that would happen again is told from memory, whoever asks', async () => {
  const node = await joinNode(1);
  const request = { ...GOOD_REQUEST, packages: ['fails-for-ever'] };
  expect((await post(request)).status).toBe(202);
  const event = { case: 'failed', value: { kind: 'conflict', detail: 'Error: Impossible package selection' } } as const;
  for (let order = await lease(node); order; order = await lease(node)) await report(node, order.leaseId, 1, event);
  await vi.waitFor(async () => expect((await post(request)).status).toBe(500), EVENTUALLY);
  const before = await submissions();
  const again = await post({ ...request, client: 'another' });
  expect(await jsonOf(again)).toMatchObject({ status: 500, error_kind: 'conflict', request: { client: 'another' } });
  expect(await submissions()).toBe(before);
});
