import { expect, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { fromBase64Url, toBase64Url } from './base64url.ts';
import { utf8ToBytes } from './digest.ts';

// RFC 4648, section 10, without padding.
test.each([
  ['', ''],
  ['f', 'Zg'],
  ['fo', 'Zm8'],
  ['foo', 'Zm9v'],
  ['foob', 'Zm9vYg'],
  ['fooba', 'Zm9vYmE'],
  ['foobar', 'Zm9vYmFy'],
])('%j is %j', (text, encoded) => {
  expect(toBase64Url(utf8ToBytes(text))).toBe(encoded);
  expect(fromBase64Url(encoded)).toEqual(new Uint8Array(utf8ToBytes(text)));
});

test('any bytes come back, in letters that need no escape in a URL or header', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const encoded = toBase64Url(bytes);
      expect(encoded).toMatch(/^[A-Za-z0-9_-]*$/);
      expect(fromBase64Url(encoded)).toEqual(bytes);
    }),
  );
});

test.each(['Zg==', 'Zm8=', 'Z', 'Zm9vY', 'Zm9+', 'Zm9/', 'Zm 9v', 'Zm9v\n', 'Zm9v.', 'Ж', '\0'])(
  '%j is no base64url',
  (text) => {
    expect(fromBase64Url(text)).toBeNull();
  },
);
