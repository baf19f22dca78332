/** Headers that mean something to some route, right and wrong, and headers that mean nothing and come in numbers. */
import fc, { type Arbitrary } from 'fast-check';
import { CALL_HEADERS } from '../../shared/node/call-signature.ts';

type Header = readonly [name: string, value: string];

/** `{hash}` is filled in. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  Range: [
    ...[
      'bytes=0-',
      'bytes=0-0',
      'bytes=-1',
      'bytes=-0',
      'bytes=5-2',
      'bytes=0-1,3-4',
      'bytes=',
      'bytes=-',
      'bytes=a-b',
    ],
    ...[
      'bytes=411-',
      'bytes=412-',
      'bytes=0-99999999999999999999',
      'bytes=-99999999999999999999',
      'items=0-1',
      'bytes 0-1',
    ],
    ...['bytes=0-1e400', 'bytes=+0-1', 'bytes=0x0-0x1', `bytes=${'0-1,'.repeat(500)}`, 'BYTES=0-1', 'bytes= 0 - 1'],
  ],
  'If-None-Match': ['*', '""', 'W/""', '"{hash}"', 'W/"{hash}"', '"a", "b"', ','.repeat(2000), '"unterminated', 'W/'],
  'If-Match': ['*', '"{hash}"', '"x"'],
  'If-Range': ['"{hash}"', 'W/"{hash}"', 'Tue, 01 Jan 2030 00:00:00 GMT', '', '"'],
  'If-Modified-Since': ['Tue, 01 Jan 2030 00:00:00 GMT', 'yesterday', '0', '-1'],
  'Last-Event-ID': [
    ...['start', 'end', '0', '-1', '1e400', '1.2.3', '{hash}', '{hash}.1.2', '0.0.0.0', ' ', '99999999999999999999'],
    ...['__proto__', 'a'.repeat(5000), '%00', 'state:1', 'f.1.1.1.1.1'],
  ],
  'Accept-Encoding': ['gzip', 'br', 'zstd', 'identity;q=0', '*', 'gzip;q=1e400', ';;;', 'gzip, '.repeat(300)],
  Accept: ['*/*', 'text/html', 'application/xml;q=0.9', '', ';', 'text/event-stream'],
  'Accept-Language': [
    ...['de', '*', '', 'zh-Hant-TW;q=0.8, *;q=0', 'de;q=1e400', 'de;q=', '../..', '__proto__', '\xe4', 'x'.repeat(500)],
    'de,'.repeat(2_000),
  ],
  'Content-Type': [
    ...['application/json', 'application/json; charset=utf-16', 'text/plain', 'application/x-www-form-urlencoded'],
    ...[
      'multipart/form-data',
      'multipart/form-data; boundary=',
      'application/proto',
      'application/grpc',
      'application/xml',
    ],
    ...['application/grpc-web+proto', 'application/connect+json', '', ';', 'a/b/c', 'application/json; charset="'],
  ],
  'Content-Encoding': ['gzip', 'br', 'identity', 'deflate', 'x'],
  'Connect-Protocol-Version': ['1', '2', ''],
  'Connect-Timeout-Ms': ['0', '1', '-1', '1e400', 'x', '99999999999999999999'],
  Origin: ['null', 'http://192.168.1.1', 'https://evil.example', 'x', ''],
  'Access-Control-Request-Method': ['GET', 'POST', 'FOO', '', 'x'.repeat(1000)],
  'Access-Control-Request-Headers': [
    'content-type',
    'x-a, x-b',
    ', ,',
    '<script>',
    'a,'.repeat(5000),
    'x'.repeat(5000),
  ],
  'X-Forwarded-For': ['1.2.3.4', '::1', 'unknown', "' OR 1=1"],
  'X-Forwarded-Host': ['evil.example'],
  'X-Forwarded-Proto': ['https', 'gopher'],
  'X-HTTP-Method-Override': ['DELETE', 'PUT'],
  Forwarded: ['for=1.2.3.4;host=evil.example'],
  Host: ['evil.example', 'a b', '', '[::1', 'fuzz:99999', 'x'.repeat(2000), '127.0.0.1:1'],
  Referer: ['http://evil.example/', 'x'],
  'User-Agent': ['', 'auc/0.3.2', 'owut/2025.01.01', 'x'.repeat(3000), '() { :; }; echo', "' OR 1=1 --"],
  Authorization: ['Bearer x', 'Basic eDp5', 'Basic', 'Negotiate', ''],
  Cookie: ['a=b', '__Host-x=1; a', '='.repeat(500)],
  Connection: ['close', 'keep-alive', 'Upgrade', 'x-a'],
  Upgrade: ['websocket', 'h2c', 'TLS/1.0'],
  Expect: ['100-continue', '200-ok'],
  'Cache-Control': ['no-cache', 'max-age=0', 'only-if-cached'],
  Pragma: ['no-cache'],
  'X-Client-Address': [
    ...['not an address', '', '1.2.3', '::ffff:1.2.3.4', '1.2.3.4, 5.6.7.8', 'fe80::1%eth0', 'x'.repeat(1000)],
    ...['203.0.113.7', '2001:db8::7'],
  ],
  [CALL_HEADERS.certificate]: ['', 'x', 'eyJhIjoxfQ.eyJhIjoxfQ', 'a.b.c', '=', 'x'.repeat(5000)],
  [CALL_HEADERS.time]: ['0', '-1', 'now', '1e400', '99999999999999999999'],
  [CALL_HEADERS.bodySha256]: ['{hash}', 'x', '', '{hash}{hash}'],
  [CALL_HEADERS.signature]: ['', 'x', 'A'.repeat(86), '====', 'x'.repeat(5000)],
  'x-latin1': ['\xe4\xf6\xfc', '\xff\xfe'],
};

/** What frames a body, said once more, and what is no header: the runtime refuses most of it. */
const RARE: Readonly<Record<string, readonly string[]>> = {
  TE: ['trailers', 'chunked'],
  Trailer: ['x-a'],
  'Transfer-Encoding': ['identity', 'gzip, chunked', 'chunked, chunked', 'xchunked'],
  'Content-Length': ['0', '2', '-1', '+2', '1e3', '99999999999999999999', '0x10', ''],
  'x-a\tb': ['c'],
  'x-control': ['a\0b', 'a\x7fb', 'a\x01b'],
};

const oneOf = (table: Readonly<Record<string, readonly string[]>>, hashes: readonly string[]): Arbitrary<Header> =>
  fc
    .constantFrom(...Object.entries(table))
    .chain(([name, values]) => fc.tuple(fc.constant(name), fc.constantFrom(...values), fc.constantFrom(...hashes)))
    .map(([name, value, hash]) => [name, value.replaceAll('{hash}', hash)]);

const from = (address: string): readonly Header[] => [['X-Client-Address', address]];

/** Nearly everybody has an address of his own, or one limit would end the fuzz; a few come again and again, so that it is met. */
const address: Arbitrary<readonly Header[]> = fc.oneof(
  { weight: 16, arbitrary: fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => from(`10.7.${a}.${b}`)) },
  { weight: 3, arbitrary: fc.constantFrom(from('203.0.113.7'), from('203.0.113.8'), from('2001:db8::7')) },
  { weight: 1, arbitrary: fc.constant([]) },
);

const many: Arbitrary<readonly Header[]> = fc
  .tuple(fc.integer({ min: 50, max: 400 }), fc.integer({ min: 0, max: 200 }))
  .map(([count, length]) => Array.from({ length: count }, (_, n) => [`X-Many-${n}`, 'v'.repeat(length)] as const));

/** What a route reads of it, it must not read for ever. */
const long: Arbitrary<readonly Header[]> = fc
  .tuple(
    fc.constantFrom(...Object.keys(VALUES)),
    fc.constantFrom('v', ',', '"', '0'),
    fc.integer({ min: 1_000, max: 60_000 }),
  )
  .map(([name, letter, length]) => [[name, letter.repeat(length)] as const]);

const huge: Arbitrary<readonly Header[]> = fc
  .integer({ min: 8_000, max: 100_000 })
  .map((length) => [['X-Huge', 'v'.repeat(length)] as const]);

/** For routes that answer files and streams: without one of these, most of what can go wrong there is not met. */
export function someOf(names: readonly string[], hashes: readonly string[]): Arbitrary<readonly Header[]> {
  const table = Object.fromEntries(Object.entries(VALUES).filter(([name]) => names.includes(name)));
  return fc.array(oneOf(table, hashes), { maxLength: 2 });
}

export function arbitraryHeaders(hashes: readonly string[]): Arbitrary<readonly Header[]> {
  const more = fc.oneof(
    { weight: 40, arbitrary: fc.array(oneOf(VALUES, hashes), { maxLength: 4 }) },
    { weight: 2, arbitrary: fc.tuple(oneOf(RARE, hashes)) },
    { weight: 1, arbitrary: long },
    { weight: 1, arbitrary: many },
    { weight: 1, arbitrary: huge },
  );
  return fc.tuple(address, more).map(([who, rest]) => [...who, ...rest]);
}
