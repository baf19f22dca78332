import { expect, test } from 'vitest';
import { ArchivePolicy } from './archive-policy.ts';
import type { TarMember } from './tar-reader.ts';

const member = (path: string, type: TarMember['type'] = 'file', linkTarget = ''): TarMember => ({
  path,
  type,
  linkTarget,
  mode: 0o644,
  mtimeS: 0,
  sizeBytes: 0,
  body: async function* () {},
});

/** Of an archive with its top directory and these. */
function judge(members: readonly TarMember[]): string {
  const policy = new ArchivePolicy(100_000);
  try {
    for (const one of [member('top', 'directory'), ...members]) policy.accept(one);
    policy.finish();
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

const long = (length: number): string => `top/${'a/'.repeat(length)}`.slice(0, length);

test.each<[string, TarMember[], RegExp]>([
  ['a name of 1024 characters', [member(`${long(1023)}x`)], /^accepted$/],
  ['a name of one more', [member(`${long(1024)}x`)], /more than 1024 characters$/],
  ['a link to 1024 characters', [member('top/l', 'symlink', 'a/'.repeat(512))], /^accepted$/],
  ['a link to one more', [member('top/l', 'symlink', `${'a/'.repeat(512)}b`)], /more than 1024 characters$/],
  ['a hard link to what is longer', [member('top/h', 'hardlink', long(1025))], /more than 1024 characters$/],
  ['a link to itself', [member('top/l', 'symlink', 'l')], /^accepted$/],
  [
    'links through links, to and fro',
    [member('top/a/up', 'symlink', '..'), member('top/l', 'symlink', 'a/up/a/up/a/b'), member('top/a/b')],
    /^accepted$/,
  ],
  [
    'links through links, and out',
    [member('top/a/up', 'symlink', '..'), member('top/l', 'symlink', 'a/up/a/up/..')],
    /^"l": is a link that leaves the archive/,
  ],
])('%s', (_, members, told) => {
  expect(judge(members)).toMatch(told);
});

test('links that are made to be followed for ever are followed so far and no further', () => {
  const deep = (count: number) =>
    Array.from({ length: count }, (_, at) => member(`top/l${at}`, 'symlink', 'a/'.repeat(512)));
  expect(judge(deep(100))).toBe('accepted');
  expect(judge(deep(1_000))).toMatch(/^expected links that are followed by 33554432 characters of paths/);
  const dots = Array.from({ length: 35_000 }, (_, at) => member(`top/l${at}`, 'symlink', './'.repeat(512)));
  expect(judge(dots)).toMatch(/^expected links that are followed/);
});
