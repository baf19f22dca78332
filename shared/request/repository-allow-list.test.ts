import { expect, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { isPlainUrl, isRepositoryAllowed } from './repository-allow-list.ts';

const list = ['https://good.example/feeds/', 'http://other.example:8080', 'https://bare.example/packages'];

test.each([
  'https://good.example/feeds/',
  'https://good.example/feeds/x86_64/custom',
  'https://good.example:443/feeds/x',
  'https://GOOD.example/feeds/x',
  'http://other.example:8080/',
  'http://other.example:8080/anything/at/all',
  'http://other.example:8080',
  'https://bare.example/packages',
  'https://bare.example/packages/',
  'https://bare.example/packages/x/packages.adb',
  'https://good.example/feeds/a..b/...c/.d',
  'https://good.example/feeds/x%20y',
  'https://good.example/feeds//x',
  'https://good.example/feeds/.../x',
])('%s is allowed', (url) => {
  expect(isRepositoryAllowed(url, list)).toBe(true);
});

test.each([
  ['another host that begins alike', 'https://good.example.evil.com/feeds/'],
  ['another host that ends alike', 'https://evilgood.example/feeds/'],
  ['another scheme', 'http://good.example/feeds/x'],
  ['another port', 'https://good.example:8443/feeds/x'],
  ['a port that begins alike', 'http://other.example:80801/'],
  ['a dot at the end of the host', 'https://good.example./feeds/x'],
  ['the parent directory', 'https://good.example/'],
  ['a path that begins alike', 'https://good.example/feeds2/x'],
  ['a prefix without its slash that begins alike', 'https://bare.example/packages2/x'],
  ['another case of the path', 'https://good.example/FEEDS/x'],
  ['a user', 'https://good.example@evil.example/feeds/x'],
  ['a user with a password', 'https://a:b@good.example/feeds/x'],
  ['an at sign in the path', 'https://good.example/feeds/@evil.example/'],
  ['a backslash for a slash', 'https://good.example\\@evil.example/feeds/'],
  ['a backslash in the path', 'https://good.example/feeds/..\\..\\x'],
  ['dots that climb', 'https://good.example/feeds/../secret'],
  ['dots that climb at the end', 'https://good.example/feeds/..'],
  ['dots that climb and come back', 'https://good.example/x/../feeds/y'],
  ['a dot segment', 'https://good.example/feeds/./x'],
  ['encoded dots', 'https://good.example/feeds/%2e%2e/secret'],
  ['half-encoded dots', 'https://good.example/feeds/.%2E/secret'],
  ['dots encoded twice', 'https://good.example/feeds/%252e%252e/secret'],
  ['an encoded slash', 'https://good.example/feeds/..%2fsecret'],
  ['an encoded backslash', 'https://good.example/feeds/..%5Csecret'],
  ['a query', 'https://good.example/feeds/?x'],
  ['an empty query', 'https://good.example/feeds/?'],
  ['dots before a query', 'https://good.example/feeds/..?'],
  ['a fragment', 'https://good.example/feeds/#x'],
  ['a fragment with the good host', 'https://evil.example/#https://good.example/feeds/'],
  ['three slashes', 'https:///good.example/feeds/x'],
  ['no slashes', 'https:good.example/feeds/x'],
  ['a newline', 'https://good.example/feeds/x\nsrc/gz evil https://evil.example'],
  ['a newline at the end', 'https://good.example/feeds/x\n'],
  ['a tab that URL parsers drop', 'https://good.exam\tple/feeds/x'],
  ['a control character', 'https://good.example/feeds/\u0001'],
  ['a blank in front', ' https://good.example/feeds/x'],
  ['a shell’s dollar', 'https://good.example/feeds/$(reboot)'],
  ['a shell’s quote', "https://good.example/feeds/'"],
  ['a shell’s semicolon', 'https://good.example/feeds/;reboot'],
  ['a look-alike letter', 'https://gооd.example/feeds/x'],
  ['a full-width dot', 'https://good\uff0eexample/feeds/x'],
  ['a soft hyphen', 'https://good\u00ad.example/feeds/x'],
  ['another scheme altogether', 'file:///feeds/'],
  ['javascript', 'javascript://good.example/feeds/'],
  ['nothing', ''],
])('%s is not', (_, url) => {
  expect(isRepositoryAllowed(url, list)).toBe(false);
});

test.each([
  ['https://any.example/feeds/x', true],
  ['http://any.example:8080', true],
  ['http://192.0.2.7:8', true],
  ['http://any-1.Example:65535/aZ09._~+,=:%20-', true],
  ['http://any.example:000080', false],
  ['http://any.example:', false],
  ['https://any.example/../x', false],
  ['https://any.example/%2e%2e/x', false],
  ['ftp://any.example/', false],
  ['', false],
])('whoever allows it, %s is plain: %s', (url, plain) => {
  expect(isPlainUrl(url)).toBe(plain);
});

test('nothing is allowed by an empty list, nor by an entry that is no URL', () => {
  expect(isRepositoryAllowed('https://good.example/feeds/', [])).toBe(false);
  expect(isRepositoryAllowed('https://good.example/feeds/', ['', 'https://', 'good.example', '*'])).toBe(false);
});

test('whatever is allowed is on an allowed host and below its path as every parser reads it, in plain letters', () => {
  const piece = fc.oneof(
    fc.constantFrom('/', '..', '.', '%2e', '%2F', '\\', '@', ':', '?', '#', 'feeds', '$', '`', '\n', '%25'),
    fc.string({ maxLength: 3 }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom('https://good.example', 'https://good.example/feeds', 'https://good.example/feeds/', 'https://'),
      fc.array(piece, { maxLength: 6 }),
      (start, pieces) => {
        const url = start + pieces.join('');
        if (!isRepositoryAllowed(url, list)) return;
        expect(new URL(url).origin).toBe('https://good.example');
        expect(url).toBe(`https://good.example${new URL(url).pathname}`);
        expect(`${new URL(url).pathname}/`).toMatch(/^\/feeds\/[A-Za-z0-9._~+,=:%/-]*$/);
      },
    ),
    { numRuns: 2000 },
  );
});
