/**
 * Requests that a client might send by mistake or on purpose: each begins as a good one of some route and is then bent in
 * one place or several. What is random from end to end would be refused at the first letter and find nothing.
 */
import fc, { type Arbitrary } from 'fast-check';
import { arbitraryBody } from './arbitrary-body.ts';
import { arbitraryHeaders, someOf } from './arbitrary-headers.ts';
import type { Body, RawRequest } from './raw-request.ts';
import { ROUTES, type Route } from './routes.ts';

/** What there is on the server; a fuzz that meets only unknown names would never come past the first question. */
export interface Known {
  /** A body whose image is built. */
  readonly built: Readonly<Record<string, unknown>>;
  readonly hashes: readonly string[];
  readonly files: readonly string[];
  readonly versions: readonly string[];
  readonly targets: readonly string[];
  readonly profiles: readonly string[];
  readonly architectures: readonly string[];
  readonly packages: readonly string[];
}

/** A piece of a path that is none of ours. */
const NASTY_SEGMENTS = [
  ...['', '.', '..', '...', '%2e', '%2e%2e', '.%2e', '%2e%2e%2f', '..%2f..%2fetc%2fpasswd', '%252e%252e%252f', '..%5c'],
  ...['%00', '%0a', '%0d%0aX-Injected:%20yes', '%20', '%', '%zz', '%2', '%c0%ae%c0%ae', '%ed%a0%80', '%ff', '%u002e'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'undefined', 'null', 'NaN'],
  ...["'", '"', '<script>', '$(reboot)', '`id`', ';', '|', '&', '*', '?', '#', '~', '+', '-', '@', ':', '\\', '{', '}'],
  ...[
    'index.json',
    '-index.json',
    '.json',
    'index',
    'INDEX.JSON',
    'index.json.',
    'index.json%20',
    'con',
    'a'.repeat(65),
  ],
  ...['a'.repeat(129), 'a'.repeat(300), `${'%41'.repeat(200)}`, '%E2%80%AE', '0', '-1', '1e400'],
];

const UNKNOWN_HASHES = Array.from({ length: 6 }, (_, n) => `0${n}`.repeat(32));

const nastySegment = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NASTY_SEGMENTS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 12 }).map((text) => encodeURIComponent(text)) },
  { weight: 1, arbitrary: fc.webPath({ size: 'small' }).map((path) => path.slice(1)) },
);

/** Good, or nearly. */
function valuesOf(known: Known): Readonly<Record<string, Arbitrary<string>>> {
  const among = (values: readonly string[], nearly: readonly string[] = []): Arbitrary<string> =>
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...values) },
      { weight: 2, arbitrary: fc.constantFrom(...NASTY_SEGMENTS, ...nearly) },
      { weight: 1, arbitrary: nastySegment },
    );
  const [hash = ''] = known.hashes;
  return {
    hash: among(
      [...known.hashes, ...known.hashes, ...UNKNOWN_HASHES],
      [hash.toUpperCase(), hash.slice(1), `${hash}0`, `${hash}%0a`, `${hash}.json`, `0x${hash.slice(2)}`],
    ),
    path: among(
      known.hashes.flatMap((each) => [each.slice(0, 32), each.slice(0, 32), each]),
      ['0'.repeat(32), hash.slice(0, 31), hash.slice(0, 33), `${hash.slice(0, 32)}%0a`, 'json', 'v1'],
    ),
    short: among(
      known.hashes.map((each) => each.slice(0, 15)),
      ['0'.repeat(15), hash.slice(0, 14), hash.slice(0, 16), `${hash.slice(0, 15)}%0a`],
    ),
    file: among(
      [...known.files, 'sha256sums', 'sha256sums.sig', 'build.log', 'nosuch.bin', 'swagger-ui.css'],
      ['sha256sums/', '.sha256sums', '-rf', 'sha256sums%00', 'sha256sums%0a', 'SHA256SUMS', 'a'.repeat(201)],
    ),
    version: among(known.versions, ['24.10.99', '24.10', '19.07.1', '24.10.2-rc1', '24.10.2 ', '21.02.7', 'snapshot']),
    target: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...known.targets, 'x86/64') },
      { weight: 2, arbitrary: fc.tuple(nastySegment, nastySegment).map((parts) => parts.join('/')) },
      { weight: 1, arbitrary: nastySegment },
    ),
    profile: among(known.profiles, ['acme_ax3000-v1%2c', 'acme,ax3000-v1', 'nosuch', 'generic']),
    arch: among(known.architectures, ['demo_generic%2f', 'x86_64', 'demo-generic', 'all']),
    lease: among(['f'.repeat(32), 'lease-1']),
    action: among(['drain', 'undrain', 'quarantine', 'release', 'revoke'], ['delete', 'drain%0a', 'constructor']),
    piece: among(['1', '2'], ['01', '1.0', '65536', '9007199254740993', '+1']),
  };
}

const QUERIES = [
  ...['', '?', '?1763000000123', '?a=b&c=d', '?branch=24.10&n=5', '?branch=', '?n=0', '?n=-1', '?n=1e9', '?n=%zz'],
  ...['?branch=__proto__', '?branch=%00', '?branch=../..', '?n=5&n=6', '?last_event_id=start', '?last_event_id=%0d%0a'],
  ...['?last_event_id=1.2.3', '?part=0', '?part=99999999', '?&&&===', `?${'a'.repeat(4000)}`, '?a[b]=c', '#frag', '?%'],
  ...['?distro=openwrt&version=25.12.1', '?distro=LEDE&version=24.10.2&model_search=%25', '?distro=lede&distro=lede'],
  ...['?distro=openwrt&version=24.10.2&model_search=_&subtarget=', '?distro=__proto__&version=24.10.2', '?distro=%'],
  ...['?distro=openwrt&version=24.10.2&target=demo/generic&profile=acme_ax3000-v1', `?distro=${'x'.repeat(65)}`],
  ...[
    '?distro=openwrt&version=24.10.2&target=demo&subtarget=generic&profile=__proto__',
    '?distro=openwrt&version=..%2f',
  ],
  ...['?__proto__=1', '?constructor.prototype.x=1', '?encoding=base64&message=e30', '?connect=v1&encoding=proto'],
];

const query = fc.oneof(
  { weight: 5, arbitrary: fc.constant('') },
  { weight: 3, arbitrary: fc.constantFrom(...QUERIES) },
  { weight: 1, arbitrary: fc.webQueryParameters({ size: 'small' }).map((text) => `?${text}`) },
);

/** Done to a whole path. */
const bend = fc.oneof(
  { weight: 12, arbitrary: fc.constant((path: string) => path) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<(path: string) => string>(
      (path) => path.replaceAll('/', '//'),
      (path) => `//${path}`,
      (path) => `${path}/`,
      (path) => `${path}/..`,
      (path) => `/./${path}`,
      (path) => `/x/..${path}`,
      (path) => `/%2e%2e${path}`,
      (path) => path.replaceAll('/', '%2f').replace('%2f', '/'),
      (path) => path.replaceAll('/', '\\').replace('\\', '/'),
      (path) => path.toUpperCase(),
      (path) => path.slice(0, -1),
      (path) => `${path}%00`,
      (path) => `${path};jsessionid=1`,
      (path) => `http://other.example${path}`,
      (path) => `https://user:password@fuzz:1${path}`,
      (path) => path.slice(1),
      (path) => `${path}${'/a'.repeat(500)}`,
      (path) => path.replace(/[a-z]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
      () => '*',
    ),
  },
);

const ODD_METHODS = [
  ...['HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'PUT', 'POST', 'GET', 'TRACE', 'CONNECT', 'PROPFIND', 'MKCOL', 'PURGE'],
  ...['QUERY', 'SEARCH', 'LOCK', 'M-SEARCH', 'get', 'G', 'FOO', '__proto__'],
];

const OF_FILES = ['Range', 'If-Range', 'If-None-Match', 'If-Match'];

/** Every method can be tried with every body: what a route does not expect, it must not trip over. */
function methodOf(route: Route): Arbitrary<string> {
  return fc.oneof(
    { weight: 14, arbitrary: fc.constant(route.method) },
    { weight: route.method === 'GET' ? 3 : 1, arbitrary: fc.constant('HEAD') },
    { weight: 1, arbitrary: fc.constant('OPTIONS') },
    { weight: 2, arbitrary: fc.constantFrom(...ODD_METHODS) },
  );
}

export function arbitraryRequest(known: Known): Arbitrary<RawRequest> {
  const values = valuesOf(known);
  const headers = arbitraryHeaders(known.hashes);
  const conditional = someOf([...OF_FILES, 'If-Modified-Since', 'Last-Event-ID'], known.hashes);
  const body = arbitraryBody(known);
  const none = fc.constant<Body>({ kind: 'none' });
  const ofRoute = (route: Route): Arbitrary<RawRequest> => {
    const parts = {
      method: methodOf(route),
      path: pathOf(route, values),
      query,
      bend,
      headers,
      more: route.path.includes('{hash}') ? conditional : fc.constant([]),
      body: route.method === 'GET' ? fc.oneof({ weight: 9, arbitrary: none }, { weight: 1, arbitrary: body }) : body,
    };
    return fc.record(parts).map(({ method, path, query, bend, headers, more, body }) => ({
      method,
      target: `${bend(path)}${query}`,
      headers: [...headers, ...more],
      body,
    }));
  };
  const goodFile: Arbitrary<RawRequest> = fc.record({
    method: fc.constantFrom('GET', 'GET', 'HEAD'),
    target: fc.constantFrom(...known.files).map((file) => `/store/${known.hashes[0]}/${file}`),
    headers: someOf(OF_FILES, known.hashes),
    body: none,
  });
  return fc.oneof(
    { weight: 3, arbitrary: goodFile },
    ...ROUTES.map((route) => ({ weight: route.weight, arbitrary: ofRoute(route) })),
    {
      weight: 6,
      arbitrary: fc.record({
        method: fc.constantFrom(...ODD_METHODS),
        target: fc.array(nastySegment, { maxLength: 6 }).map((segments) => `/${segments.join('/')}`),
        headers,
        body: none,
      }),
    },
  );
}

/** The path with a value in each of its places. */
function pathOf({ path }: Route, values: Readonly<Record<string, Arbitrary<string>>>): Arbitrary<string> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
  return fc.tuple(...names.map((name) => values[name] as Arbitrary<string>)).map((filled) => {
    let at = 0;
    return path.replace(/\{\w+\}/g, () => filled[at++] as string);
  });
}
