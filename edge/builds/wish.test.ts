import { describe, expect, it, test, vi } from 'vitest';
import { parseEdgeSettings } from '../../shared/edge-settings.ts';
import { buildRequestSchema } from '../../shared/request/build-request.ts';
import { FIELDS, Wishes } from './wish.ts';

const config = parseEdgeSettings({ SERVER_KEY: '5e'.repeat(32), ALLOW_DEFAULTS: '1' });
const policy = {
  distros: config.DISTROS,
  allowDefaults: true,
  maxDefaultsBytes: 100,
  maxRootfsSizeMb: 1024,
  repositoryAllowList: [],
  defaultsKey: new Uint8Array(32),
};
const wishes = () => new Wishes(config, policy);
const good = { version: '24.10.2', target: 'x86/64', profile: 'generic', packages: ['luci'] };

test('every field of the schema but the client belongs to a wish, or two wishes would be taken for one', () => {
  expect([...FIELDS, 'client'].sort()).toEqual(Object.keys(buildRequestSchema.shape).sort());
  expect(Object.keys(buildRequestSchema.shape).at(-1), 'the echo is spliced at its last field').toBe('client');
});

test.each(FIELDS.filter((field) => field !== 'defaults'))(
  'lists in lists, a hundred thousand deep, are no %s',
  (field) => {
    const { [field as 'target']: _, ...others } = good;
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const body = `${JSON.stringify(others).slice(0, -1)},"${field}":${deep}}`;
    expect(() => wishes().read(body)).toThrow(expect.objectContaining({ kind: 'invalid_request' }));
  },
);

describe('a wish that is known', () => {
  it.each([
    ['of another client', { ...good, client: 'owut/1' }, 'owut/1'],
    ['of nobody', good, null],
    ['with a field that nobody knows', { ...good, client: null, unheard: 'of' }, null],
    ['in another order', { packages: ['luci'], profile: 'generic', target: 'x86/64', version: '24.10.2' }, null],
  ])('is found again %s, and the echo names who asks', (_, body, client) => {
    const room = wishes();
    const first = room.read(JSON.stringify({ ...good, client: 'auc' }));
    const again = room.read(JSON.stringify(body));
    expect(again.wish).toBe(first.wish);
    expect(JSON.parse(again.echoJson)).toEqual({ ...JSON.parse(first.echoJson), client });
    expect(again.request().client).toBe(client);
  });

  it.each([
    ['a client that is no text', { ...good, client: 5 }],
    [
      'a client with half a character',
      '{"version":"24.10.2","target":"x86/64","profile":"generic","packages":["luci"],"client":"\\ud800"}',
    ],
    ['a client that is too long', { ...good, client: 'x'.repeat(101) }],
    ['null where a list is expected', { ...good, packages: null }],
    ['another package', { ...good, packages: ['luci;'] }],
    [
      'a size beyond all numbers',
      '{"version":"24.10.2","target":"x86/64","profile":"generic","packages":["luci"],"rootfs_size_mb":1e400}',
    ],
    [
      'a file system beyond all numbers',
      '{"version":"24.10.2","target":"x86/64","profile":"generic","packages":["luci"],"filesystem":1e400}',
    ],
  ])('does not help %s', (_, body) => {
    const room = wishes();
    room.read(JSON.stringify(good));
    room.read(JSON.stringify({ ...good, filesystem: null }));
    room.read(JSON.stringify({ ...good, rootfs_size_mb: null }));
    expect(() => room.read(typeof body === 'string' ? body : JSON.stringify(body))).toThrow();
  });
});

test.each([
  ['of a list', good],
  ['of a list that another field repeats', { ...good, packages: ['b'], packages_versions: { b: 'b' } }],
  ['of an empty list', { ...good, packages: [] }],
  ['without a list', { version: good.version, target: good.target, profile: good.profile }],
  ['of versions alone', { ...good, packages: undefined, packages_versions: { luci: '1', vim: '2' } }],
  ['of a profile that looks like a list', { ...good, profile: 'packages' }],
  ['of names beyond ASCII, in a field that nobody knows', { ...good, unheard: '"packages":[]é' }],
])('an echo %s says what was asked, at the first time and at the second', (_, body) => {
  const room = wishes();
  const text = JSON.stringify(body);
  const first = room.read(text);
  const again = room.read(text);
  expect(again.wish).toBe(first.wish);
  for (const { echoJson } of [first, again])
    expect(JSON.parse(echoJson)).toEqual({ ...again.request(), defaults: null });
});

test('wishes that differ in any field are not one', () => {
  const room = wishes();
  const { wish } = room.read(JSON.stringify(good));
  for (const other of [
    { packages: ['luci', 'vim'] },
    { packages: [] },
    { diff_packages: true },
    { version_code: 'r1-a' },
    { packages_versions: { luci: '1' } },
    { rootfs_size_mb: 1 },
    { filesystem: 'ext4' },
    { profile: 'other' },
  ])
    expect(room.read(JSON.stringify({ ...good, ...other })).wish, JSON.stringify(other)).not.toBe(wish);
});

test('a wish with a secret is read anew each time and its echo does not tell it', () => {
  const room = wishes();
  const body = JSON.stringify({ ...good, defaults: 'hunter2' });
  const first = room.read(body);
  expect(room.read(body).wish).not.toBe(first.wish);
  expect(first.wish.isPrivate).toBe(true);
  expect(first.echoJson).not.toContain('hunter2');
  expect(JSON.parse(first.echoJson).defaults).toBeNull();
});

test('the version of a package that has another name by now is no condition; that of any other is', () => {
  const packages_versions = { auc: '1', 'luci-i18n-base-en': '2', luci: '3' };
  const { wish } = wishes().read(JSON.stringify({ ...good, packages: undefined, packages_versions }));
  expect(wish.conditions.packages_versions).toEqual({ luci: '3' });
});

test('a request that was read already is the wish that its body is, and is checked as one', () => {
  const room = wishes();
  const { wish } = room.read(JSON.stringify(good));
  const request = room.read(JSON.stringify(good)).request();
  const asked = room.of(request);
  expect(asked.request()).toBe(request);
  expect({ ...asked.wish, echo: null }).toEqual({ ...wish, echo: null });
  const beforeAnew = vi.fn();
  expect(room.of({ ...request }, beforeAnew).wish).toBe(asked.wish);
  expect(beforeAnew).not.toHaveBeenCalled();
  for (const [fields, refusal] of [
    [{ distro: 'debian' }, 'Unsupported distro: debian'],
    [{ version: '21.02.1' }, 'Unsupported branch: 21.02.1'],
    [{ defaults: 'x'.repeat(101) }, 'defaults: expected at most 100 bytes, got 101'],
  ] as const)
    expect(() => room.of({ ...request, ...fields })).toThrow(refusal);
});
