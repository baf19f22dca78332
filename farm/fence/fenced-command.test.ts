import { expect, test } from 'vitest';
import type { FenceHost } from './fence-host.ts';
import { type Enclosure, fencedCommand, insideOf } from './fenced-command.ts';
import { resourceLimits } from './resource-limits.ts';
import { whyForbidden } from './why-forbidden.ts';

const HOST: FenceHost = {
  tools: {
    bwrap: '/usr/bin/bwrap',
    prlimit: '/usr/bin/prlimit',
    unshare: '/usr/bin/unshare',
    mount: '/usr/bin/mount',
    sh: '/usr/bin/sh',
    perl: '/usr/bin/perl',
    du: '/usr/bin/du',
  },
  node: '/srv/node/bin/node',
  roots: [
    { path: '/bin', link: 'usr/bin' },
    { path: '/lib', link: null },
  ],
  etc: ['/etc/ld.so.cache'],
  limits: ['--core=0'],
  canDisableUserNamespaces: true,
  overlay: 'as root',
};
const ENCLOSURE: Enclosure = { workspace: '/state/work/x', lower: '/state/imagebuilders/y', hasListener: false };
const MAKE = { file: 'make', args: ['image', 'PACKAGES=$(touch x)'], environment: { PATH: '/usr/bin:/srv/node/bin' } };

const words = (enclosure: Partial<Enclosure> = {}, host: Partial<FenceHost> = {}): string[] => {
  const { file, args } = fencedCommand({ ...ENCLOSURE, ...enclosure }, MAKE, { ...HOST, ...host });
  return [file, ...args];
};
const has = (all: readonly string[], ...part: readonly string[]): boolean =>
  all.some((_, index) => part.every((word, offset) => all[index + offset] === word));

test('the shell’s text is the same for every build: paths and arguments are words behind it', () => {
  const texts = [words(), words({ workspace: '/other/z', lower: null })].map((all) => all[all.indexOf('-c') + 1]);
  expect(texts[0]).toBe(texts[1]);
  expect(texts[0]).not.toMatch(/state|make|touch/);
  expect(words().slice(-3)).toEqual(['make', 'image', 'PACKAGES=$(touch x)']);
});

test.each<[string, Partial<Enclosure>, Partial<FenceHost>, string[], boolean]>([
  ['root mounts without a user namespace', {}, {}, ['--user'], false],
  ['others in one', {}, { overlay: 'in a user namespace' }, ['unshare', '--user', '--map-root-user', '--mount'], false],
  ['others in one', {}, { overlay: 'in a user namespace' }, ['--user', '--map-root-user', '--mount'], true],
  ['a copy needs no mount', { lower: null }, {}, ['--mount'], false],
  [
    'an old bubblewrap is not asked for what it cannot',
    {},
    { canDisableUserNamespaces: false },
    ['--disable-userns'],
    false,
  ],
  ['a link stays one', {}, {}, ['--symlink', 'usr/bin', '/bin'], true],
  ['a directory is bound', {}, {}, ['--ro-bind', '/lib', '/lib'], true],
  ['a listener is made before the command', { hasListener: true }, {}, ['--', '/usr/bin/perl', '-e'], true],
  ['and only where one is wanted', {}, {}, ['/usr/bin/perl'], false],
  [
    'a layer lies over the tree',
    { over: '/state/work/x/over' },
    {},
    [
      'lowerdir=/state/work/x/over:/state/imagebuilders/y,upperdir=/state/work/x/upper,workdir=/state/work/x/work,volatile',
    ],
    true,
  ],
])('%s', (_, enclosure, host, part, expected) => {
  expect(has(words(enclosure, host), ...part)).toBe(expected);
});

test('the environment is handed down with the paths of the inside, and no other', () => {
  const environment = { PATH: '/usr/bin:/srv/node/bin:/opt/x', HOME: '/state/work/x/home', TZ: 'UTC', EMPTY: '' };
  expect(fencedCommand(ENCLOSURE, { ...MAKE, environment }, HOST).environment).toEqual({
    PATH: '/usr/bin:/opt/node/bin',
    HOME: '/builder/home',
    TZ: 'UTC',
    EMPTY: '',
  });
});

test.each<[string, Partial<Enclosure>, Partial<FenceHost>, Record<string, string>, RegExp]>([
  ['a comma', { workspace: '/state/a,lowerdir=/etc' }, {}, {}, /expected an absolute path/],
  ['a colon', { lower: '/state/a:/etc' }, {}, {}, /expected an absolute path/],
  ['a line break', { workspace: '/state/a\n' }, {}, {}, /expected an absolute path/],
  ['a relative path', { over: 'p' }, {}, {}, /expected an absolute path/],
  ['an option', { workspace: '--bind' }, {}, {}, /expected an absolute path/],
  ['an overlay where there is none', {}, { overlay: null }, {}, /expected a copy of the tree/],
  ['a variable of the loader', {}, {}, { LD_PRELOAD: '/x' }, /expected a variable for a build, got "LD_PRELOAD"/],
  ['a path that leaves the workspace', {}, {}, { HOME: '/state/work/x/../y' }, /expected a path below the workspace/],
])('%s is refused', (_, enclosure, host, environment, message) => {
  const make = () => fencedCommand({ ...ENCLOSURE, ...enclosure }, { ...MAKE, environment }, { ...HOST, ...host });
  expect(make).toThrow(message);
});

test.each<[string, string | null]>([
  ['/state/work/x/bin', '/builder/bin'],
  ['/state/work/x/files/etc', '/builder/files/etc'],
  ['/state/work/x', null],
  ['/state/work/xy/bin', null],
  ['/state/work/x/../y', null],
  ['/etc', null],
])('%s is inside %s', (file, inside) => {
  if (inside === null) expect(() => insideOf('/state/work/x', file)).toThrow('below the workspace');
  else expect(insideOf('/state/work/x', file)).toBe(inside);
});

test('limits are lowered, never raised above those that the node has', () => {
  const text = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max file size             1024                 1000000              bytes     
Max open files            1024                 4096                 files     
Max processes             96366                96366                processes `;
  const expected = ['--core=0', '--fsize=1000000', '--cpu=3600', '--nofile=4096', '--nproc=16384'];
  expect(resourceLimits(text)).toEqual(expected);
});

test.each<[Record<string, string>, RegExp | null]>([
  [{ 'user.max_user_namespaces': '0' }, /user\.max_user_namespaces is 0/],
  [{ 'kernel.unprivileged_userns_clone': '0' }, /by Debian .*=1 allows/],
  [{ 'kernel.apparmor_restrict_unprivileged_userns': '1' }, /by AppArmor .*=0 allows/],
  [{ 'user.max_user_namespaces': '1000', 'kernel.apparmor_restrict_unprivileged_userns': '0' }, null],
  [{}, null],
])('with %j the reason is %s', async (switches, reason) => {
  const why = await whyForbidden(async (name) => switches[name] ?? null);
  if (reason === null) expect(why).toBeNull();
  else expect(why).toMatch(reason);
});
