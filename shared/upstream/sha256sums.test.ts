import { describe, expect, it } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { findImageBuilder, parseSha256Sums } from './sha256sums.ts';

const digest = (digit: string) => digit.repeat(64);
const imageBuilder = 'openwrt-imagebuilder-25.12.5-x86-64.Linux-x86_64.tar.zst';

describe('a list of digests', () => {
  it('maps each path below the target to its digest', () => {
    const sums = parseSha256Sums(`${digest('a')} *profiles.json\n${digest('b')} *packages/index.json\n`);
    expect([...sums]).toEqual([
      ['profiles.json', digest('a')],
      ['packages/index.json', digest('b')],
    ]);
  });

  it.each([
    ['climbs out of its directory', '../../../other/profiles.json'],
    ['climbs out in the middle', 'packages/../profiles.json'],
    ['is absolute', '/etc/passwd'],
    ['has another spelling', 'packages/./profiles.json'],
    ['begins with its directory', './profiles.json'],
    ['holds a blank', 'a b'],
    ['holds a control character', 'a\rb'],
    ['is none', ''],
    ['has 301 characters', 'x'.repeat(301)],
  ])('does not take a path that %s', (_, path) => {
    const sums = parseSha256Sums(`${digest('a')} *kept\n${digest('b')} *${path}\n`);
    expect([...sums.keys()]).toEqual(['kept']);
  });

  it.each([
    ['every character that upstream uses', 'Aa0_.+~,/-z'],
    ['one character', 'x'],
    ['300 characters', 'x'.repeat(300)],
  ])('takes a path of %s, in either form of its line', (_, path) => {
    const digits = '0123456789abcdef'.repeat(4);
    for (const between of [' *', '  ']) expect([...parseSha256Sums(digits + between + path)]).toEqual([[path, digits]]);
  });

  it('does not take the end of a longer digest for one', () => {
    const sums = parseSha256Sums(`${digest('a')} *kept\n${'b'.repeat(128)} *sha512\n`);
    expect([...sums.keys()]).toEqual(['kept']);
  });

  it('vouches for nothing where a path has two digests', () => {
    const sums = parseSha256Sums(
      `${digest('a')} *x\n${digest('b')} *x\n${digest('b')} *x\n${digest('c')} *y\n${digest('c')} *y\n`,
    );
    expect([...sums]).toEqual([['y', digest('c')]]);
  });

  it('is refused when it is a web page, empty, or in capitals', () => {
    for (const text of ['<html><body>Please log in</body></html>', '', `${digest('A')} *profiles.json`])
      expect(() => parseSha256Sums(text)).toThrow('expected lines of "<sha256> *<path>", got none');
  });

  it('keeps a path named like a member of Object.prototype as any other', () => {
    expect(parseSha256Sums(`${digest('a')} *__proto__\n`).get('__proto__')).toBe(digest('a'));
  });

  it('never gives a path that leaves the directory, whatever it is made of', () => {
    const segment = fc.constantFrom('..', '.', '', 'a', '...', 'packages', '%2e%2e', '\\');
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (segments) => {
        const sums = parseSha256Sums(`${digest('a')} *kept\n${digest('b')} *${segments.join('/')}\n`);
        for (const path of sums.keys())
          expect(new URL(path, 'http://mirror/targets/x86/64/').pathname).toMatch(/^\/targets\/x86\/64\//);
      }),
    );
  });
});

describe('the ImageBuilder of a target', () => {
  it.each([
    imageBuilder,
    'openwrt-imagebuilder-23.05.5-ath79-generic.Linux-x86_64.tar.xz',
    'openwrt-imagebuilder-x86-64.Linux-x86_64.tar.zst',
    'openwrt-imagebuilder-22.03.0-x86-64.Linux-x86_64.tar.gz',
    'Open_WRT.2+x-imagebuilder-Q_1.0+b-x86.Linux-x86_64.tar.zst',
    '2imagebuilder-Linux-x86_64.tar.zst',
  ])('%s is found among the other files', (file) => {
    const sums = parseSha256Sums(
      `${digest('a')} *profiles.json\n${digest('b')} *${file}\n${digest('c')} *${file}.asc\n${digest('d')} *openwrt-sdk.tar.zst\n`,
    );
    expect(findImageBuilder(sums)).toEqual({ file, sha256: digest('b') });
  });

  it('is refused when there are two, none, one for other machines, or one in a directory', () => {
    const none = 'expected exactly one ImageBuilder for Linux-x86_64, got none';
    const line = (file: string) => `${digest('a')} *${file}\n`;
    expect(() => findImageBuilder(parseSha256Sums(line('profiles.json')))).toThrow(none);
    expect(() => findImageBuilder(parseSha256Sums(line(imageBuilder.replace('x86_64.', 'aarch64.'))))).toThrow(none);
    for (const other of [`old/${imageBuilder}`, ...['-tar.', '.tar-'].map((end) => imageBuilder.replace('.tar.', end))])
      expect(() => findImageBuilder(parseSha256Sums(line(other)))).toThrow(none);
    for (const other of [
      imageBuilder.replace('imagebuilder-', 'sdk-'),
      imageBuilder.replace('openwrt-', ''),
      'openwrt-imagebuilderLinux-x86_64.tar.zst',
      'openwrt-Linux-x86_64-imagebuilder-.tar.zst',
    ])
      expect(() => findImageBuilder(parseSha256Sums(line(other)))).toThrow(none);
    const two = line(imageBuilder) + line(imageBuilder.replace('.zst', '.xz'));
    expect(() => findImageBuilder(parseSha256Sums(two))).toThrow(
      /got openwrt-imagebuilder.*zst, openwrt-imagebuilder.*xz/,
    );
  });

  it('is told by three names where there are thousands', () => {
    const names = Array.from({ length: 5_000 }, (_, at) => `${at}-${imageBuilder}`);
    const sums = new Map(names.map((name) => [name, digest('a')]));
    expect(() => findImageBuilder(sums)).toThrow(
      `expected exactly one ImageBuilder for Linux-x86_64, got ${names.slice(0, 3).join(', ')} and 4997 more`,
    );
  });

  it('is looked for in a time that grows with the names alone', () => {
    const sums = new Map([[`a${'imagebuilder-'.repeat(100_000)}`, digest('a')]]);
    expect(() => findImageBuilder(sums)).toThrow('got none');
  });
});
