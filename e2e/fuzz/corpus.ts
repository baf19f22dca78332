/**
 * Requests by hand, each a trick that has worked on some server. They are few, so that each can be read, and every run sends
 * them all before and after the random ones.
 */
import type { Known } from './arbitrary-request.ts';
import { type Body, type RawRequest, utf8 } from './raw-request.ts';

type Headers = RawRequest['headers'];

const none: Body = { kind: 'none' };
const get = (target: string, headers: Headers = []): RawRequest => ({ method: 'GET', target, headers, body: none });
const post = (text: string, headers: Headers = []): RawRequest => ({
  method: 'POST',
  target: '/api/v1/build',
  headers,
  body: { kind: 'length', text },
});

export function corpus(known: Known): readonly RawRequest[] {
  const [hash = ''] = known.hashes;
  const [file = ''] = known.files;
  const good = { version: known.versions[0], target: known.targets[0], profile: known.profiles[0] };
  const asked = (more: Readonly<Record<string, unknown>>) => post(utf8(JSON.stringify({ ...good, ...more })));
  const image = `/store/${hash}/${file}`;
  return [
    // Paths that climb, in every spelling.
    ...['/store/../healthz', '/store/%2e%2e/healthz', '/store/..%2fhealthz', `/store/${hash}/../../healthz`].map((t) =>
      get(t),
    ),
    ...[
      `/store/${hash}/..%2f..%2fbuilds%2f${hash}.json`,
      `/store/${hash}/%2e%2e%2fbuilds`,
      `/store/${hash}/..%5c..%5cx`,
    ].map((t) => get(t)),
    ...[
      '/json/v1/releases/../snapshots/packages/x-index.json',
      '/json/v1/releases/..%2f..%2f/packages/x-index.json',
    ].map((t) => get(t)),
    ...[
      '/api/v1/revision/..%2f..%2f..%2fetc%2fpasswd/x/y',
      '/api/v1/revision/24.10.2/%2e%2e/%2e%2e',
      '/docs/..%2f..%2fworker.js',
    ].map((t) => get(t)),
    ...[
      `/store/${hash}/${file}%00.bin`,
      `/store/${hash}/${file}%0d%0aX-Injected:%20yes`,
      `/api/v1/build/${hash}%00`,
    ].map((t) => get(t)),
    ...[
      '//',
      '///',
      '/.',
      '/..',
      '/%',
      '/%%',
      '/%00',
      '/\0',
      '/\x7f',
      '/\xff',
      '/ ',
      '?',
      '*',
      '',
      `/${'a/'.repeat(2_000)}`,
    ].map((t) => get(t)),
    ...[
      `/${'a'.repeat(30_000)}`,
      `/${'a'.repeat(70_000)}`,
      `/store/${hash}/${'%41'.repeat(3_000)}`,
      `/?${'a=b&'.repeat(5_000)}`,
    ].map((t) => get(t)),
    ...[
      'http://evil.example/healthz',
      'http://fuzz',
      'https://[::1',
      'ftp://x/y',
      'javascript:alert(1)',
      '//evil.example/x',
    ].map((t) => get(t)),
    ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'].flatMap((name) => [
      ...[
        get(`/${name}`),
        get(`/api/v1/${name}`),
        get(`/json/v1/${name}`),
        get(`/docs/${name}`),
        get(`/store/${hash}/${name}`),
      ],
      ...[
        get(`/api/v1/revision/${name}/${name}/${name}`),
        get(`/json/v1/releases/${name}/targets/${name}/${name}/${name}.json`),
      ],
      get(`/json/v1/releases/${good.version}/targets/${good.target}/${name}.json`),
      get(`/json/v1/releases/${good.version}/packages/${name}-index.json`),
      get(`/api/v1/builds-by-version?branch=${name}`),
      ...[
        asked({ profile: name }),
        asked({ version: name }),
        asked({ target: `${name}/${name}` }),
        asked({ packages: [name] }),
      ],
      ...[
        asked({ packages_versions: { x: name } }),
        post(`{"packages_versions":{"${name}":"1"},${JSON.stringify(good).slice(1)}`),
      ],
      post(`{"${name}":{"a":1},${JSON.stringify(good).slice(1)}`),
    ]),

    // Methods.
    ...[
      'HEAD',
      'OPTIONS',
      'PUT',
      'PATCH',
      'DELETE',
      'TRACE',
      'CONNECT',
      'PROPFIND',
      'PURGE',
      'get',
      '',
      'GET GET',
    ].flatMap((method) =>
      [
        '/',
        '/api/v1/build',
        `/api/v1/build/${hash}`,
        `/api/v1/build/${hash}/events`,
        image,
        '/healthz',
        '/docs',
        '/openapi.json',
      ].map((target): RawRequest => ({ method, target, headers: [], body: none })),
    ),
    { method: 'HEAD', target: '/api/v1/build', headers: [], body: { kind: 'length', text: '{}' } },
    { method: 'OPTIONS', target: '/x', headers: [['Access-Control-Request-Headers', 'a,'.repeat(20_000)]], body: none },

    // Headers.
    ...[
      'bytes=0-',
      'bytes=-1',
      'bytes=-0',
      'bytes=412-',
      'bytes=1-0',
      'bytes=0-0,2-2',
      'bytes=0-18446744073709551616',
      'x',
    ].flatMap((range) => [
      get(image, [['Range', range]]),
      { ...get(image, [['Range', range]]), method: 'HEAD' },
      get('/openapi.json', [['Range', range]]),
      get(`/json/${hash}/`, [['Range', range]]),
    ]),
    get(image, [['If-None-Match', '*']]),
    get(image, [['If-None-Match', ',"'.repeat(10_000)]]),
    get(image, [
      ['If-Range', '"x"'],
      ['Range', 'bytes=0-1'],
    ]),
    ...['', 'end', 'start', '0', '{}', '-1.-1', 'x'.repeat(10_000), '1'.repeat(400)].map((id) =>
      get(`/api/v1/build/${hash}/events`, [['Last-Event-ID', id]]),
    ),
    get('/json/v1/overview.json', [
      ['Accept-Encoding', 'gzip'],
      ['Host', 'evil.example'],
    ]),
    get('/json/v1/overview.json', [
      ['X-Forwarded-Host', 'evil.example'],
      ['X-Forwarded-Proto', 'gopher'],
    ]),
    get('/docs', [['Host', '"><script>']]),
    get('/openapi.json', [['Host', 'evil.example']]),
    get('/x', [['X-Huge', 'v'.repeat(120_000)]]),
    get('/x', [['X-Huge', 'v'.repeat(2_000_000)]]),
    get(
      '/x',
      Array.from({ length: 5_000 }, (_, n) => [`X-${n}`, 'v'] as const),
    ),
    get('/x', [['Bad Name', 'v']]),
    get('/x', [['X-Folded', 'a\r\n b']]),
    get('/x', [['X-Injected', 'a\r\nX-Second: b']]),
    get('/healthz', [
      ['X-Client-Address', 'not an address'],
      ['X-Client-Address', '::'],
    ]),
    ...['websocket', 'h2c'].map((protocol) =>
      get('/api/v1/build', [
        ['Connection', 'Upgrade'],
        ['Upgrade', protocol],
        ['Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA=='],
        ['Sec-WebSocket-Version', '13'],
      ]),
    ),

    // Bodies in odd framings.
    post('{}', [['Content-Length', '3']]),
    post('{}', [['Transfer-Encoding', 'chunked']]),
    post('{}', [['Content-Encoding', 'gzip']]),
    post('{}', [['Expect', '100-continue']]),
    post('{}', [['Content-Type', 'multipart/form-data; boundary=x']]),
    post(''),
    { ...post(''), body: none },
    { ...post(''), body: { kind: 'chunked', chunks: ['{', '}'] } },
    { ...post(''), body: { kind: 'chunked', chunks: Array.from(JSON.stringify(good)) } },
    { ...post(''), body: { kind: 'chunked', chunks: Array(60).fill('x'.repeat(8_192)) } },
    { ...post(''), body: { kind: 'cut off', text: '{"version":', announcedBytes: 100 } },
    { ...post(''), body: { kind: 'cut off', text: '', announcedBytes: 262_144 } },
    { ...post(''), body: { kind: 'cut off', text: '{}', announcedBytes: 262_145 } },
    ...['Join', 'Lease', 'Report'].flatMap((call) =>
      ['application/json', 'application/proto', 'application/grpc-web+proto', 'application/grpc', ''].map(
        (type): RawRequest => ({
          ...post('{"token":7'),
          target: `/asu.farm.v1.ForemanService/${call}`,
          headers: [['Content-Type', type]],
        }),
      ),
    ),
    {
      ...post('\x0a\xff\xff\xff\xff\x0f'),
      target: '/asu.farm.v1.ForemanService/Join',
      headers: [['Content-Type', 'application/proto']],
    },
    ...['/farm/v1/objects/x/y', '/farm/v1/objects/x/..%2fy', '/farm/v1/logs/x/1', '/farm/v1/logs/x/1e400'].map(
      (target): RawRequest => ({ ...post('x'), method: 'PUT', target }),
    ),

    // JSON.
    ...['null', '[]', '1e400', '"\\ud800"', '{"a":1e400}', '{"rootfs_size_mb":1e400}', `${'['.repeat(100_000)}`].map(
      (text) => post(text),
    ),
    post(`${'['.repeat(60_000)}${']'.repeat(60_000)}`),
    post(`${'{"a":'.repeat(40_000)}0${'}'.repeat(40_000)}`),
    post(`{"version":"24.10.2","version":null,${JSON.stringify(good).slice(1)}`),
    post('\xef\xbb\xbf{}'),
    post('{"client":"\xed\xa0\x80"}'),
    post('{"client":"\xff"}'),
    post('{"client":"\xef\xbf\xbd"}'),
    post('{"client":"\0"}'),
    asked({ packages: Array(5_000).fill('luci') }),
    asked({ packages: Array(1_000).fill('a'.repeat(126)) }),
    asked({ packages: Array.from({ length: 1_000 }, (_, n) => `-nosuch${n}`) }),
    asked({ packages: ['luci', '-luci', '+luci', 'luci'] }),
    asked({ packages: Array.from({ length: 900 }, (_, n) => `nosuch${n}`) }),
    asked({ packages_versions: Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`p${n}`, '1'])) }),
    asked({ rootfs_size_mb: '00000512' }),
    asked({ rootfs_size_mb: -0 }),
    asked({ repositories: Object.fromEntries([['__proto__', 'https://feeds.example/ok/']]) }),
    asked({ repository_keys: [`-----BEGIN PUBLIC KEY-----\n${'A'.repeat(900)}\n`.repeat(1)] }),
    asked({ repository_keys: [`-----BEGIN PUBLIC KEY-----\n${'\n'.repeat(950)}`] }),
    asked({ filesystem: { toString: 'squashfs' } }),
    asked({ defaults: '\ud800' }),
    asked({ client: 'x'.repeat(100) }),
  ];
}
