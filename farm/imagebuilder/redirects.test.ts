/** Where mirrors may send the machine of somebody who lent it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { SETTINGS } from '../node-settings.ts';
import { request } from './mirror-request.ts';
import { AS_USUAL, whyNotFollowed } from './redirects.ts';

const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  'mirror.example': ['151.101.2.132'],
  'other.example': ['151.101.66.132', '2a04:4e42::644'],
  'mirror.lan': ['192.168.1.7'],
  'a.mirror.lan': ['192.168.1.8'],
  'mirror.lan.lan': ['192.168.1.8'],
  'rebound.example': ['151.101.2.132', '127.0.0.1'],
  'mapped.example': ['::ffff:10.0.0.1'],
};
/** As a resolver gives back an address that it is given. */
const addressesOf = async (host: string) => ADDRESSES[host] ?? (/^[0-9a-f.:]+$/.test(host) ? [host] : []);

const INNER = 'it redirects to this machine or to a network that it stands in';
const DOWNGRADE = 'it redirects from https to http';

test.each<[string, string, string, string | null]>([
  ['another mirror', 'https://mirror.example/a', 'https://other.example/a', null],
  ['to https', 'http://mirror.example/a', 'https://other.example/a', null],
  ['within http', 'http://mirror.example/a', 'http://other.example/a', null],
  ['to http', 'https://mirror.example/a', 'http://other.example/a', DOWNGRADE],
  ['itself by http', 'https://mirror.example/a', 'http://mirror.example/a', DOWNGRADE],
  ['a file', 'http://mirror.example/a', 'file:///etc/passwd', 'it redirects to file:'],
  ['data', 'http://mirror.example/a', 'data:,x', 'it redirects to data:'],
  [
    'a password',
    'https://mirror.example/a',
    'https://a:b@other.example/',
    'it redirects to an address with a password in it',
  ],
  ['loopback', 'https://mirror.example/a', 'https://127.0.0.1/', INNER],
  ['loopback as one number', 'http://mirror.example/a', 'http://2130706433:9100/metrics', INNER],
  ['loopback in octal', 'http://mirror.example/a', 'http://0177.1/', INNER],
  ['loopback of IPv6', 'http://mirror.example/a', 'http://[::1]:8790/', INNER],
  ['IPv4 within IPv6', 'http://mirror.example/a', 'http://[::ffff:192.168.1.1]/', INNER],
  ['a router', 'http://mirror.example/a', 'http://192.168.1.1/cgi-bin/luci', INNER],
  ['the keys of a cloud', 'http://mirror.example/a', 'http://169.254.169.254/latest/meta-data/', INNER],
  ['a name of the house', 'http://mirror.example/a', 'http://mirror.lan/', INNER],
  ['a name with an inner address among others', 'https://mirror.example/a', 'https://rebound.example/', INNER],
  ['a name with IPv4 within IPv6', 'https://mirror.example/a', 'https://mapped.example/', INNER],
  ['a name that nobody knows', 'https://mirror.example/a', 'https://gone.example/', null],
  ['itself, at home', 'http://mirror.lan/a', 'http://mirror.lan/b', null],
  ['itself by https, at home', 'http://mirror.lan/a', 'https://mirror.lan/a', null],
  ['itself by address, at home', 'http://192.168.1.7:8080/a', 'http://192.168.1.7:8080/b', null],
  ['another port of its machine, at home', 'http://192.168.1.7:8080/a', 'http://192.168.1.7:22/', INNER],
  ['the usual port of its machine, at home', 'http://192.168.1.7:8080/a', 'http://192.168.1.7/', INNER],
  ['itself by https from another port, at home', 'http://mirror.lan:8080/a', 'https://mirror.lan/a', null],
  ['another machine, at home', 'http://mirror.lan/a', 'http://192.168.1.1/', INNER],
  ['out, from home', 'http://mirror.lan/a', 'http://other.example/a', null],
])('to %s: %s -> %s', async (_, named, to, expected) => {
  const from = new URL(named);
  expect(await whyNotFollowed({ named: from, from, to: new URL(to) }, AS_USUAL, addressesOf)).toBe(expected);
});

test('back from elsewhere to the mirror that was named, at home', async () => {
  const [named, from, to] = ['http://mirror.lan/a', 'http://other.example/', 'http://mirror.lan/b'].map(
    (url) => new URL(url),
  );
  expect(await whyNotFollowed({ named, from, to } as never, AS_USUAL, addressesOf)).toBeNull();
});

test('an owner who listed where feeds may lead meant it, also at home; not from https to http', async () => {
  const ways = async (named: string, to: string) =>
    await whyNotFollowed(
      { named: new URL(named), from: new URL(named), to: new URL(to) },
      { only: (url) => url.startsWith('http://mirror.lan/') },
      addressesOf,
    );
  expect(await ways('http://mirror.example/a', 'http://mirror.lan/a')).toBeNull();
  expect(await ways('http://mirror.example/a', 'http://other.example/a')).toBe(
    'it redirects to where this feed may not lead',
  );
  expect(await ways('https://mirror.example/a', 'http://mirror.lan/a')).toBe(DOWNGRADE);
});

const NOT_NAMED = `${INNER}, at a host that --${SETTINGS.mirrorRedirectsTo.flag} does not name`;
const INSIDE_TO = ['192.168.1.9:8080', 'mirror.lan', '[fd00::9]', '127.0.0.1:9000'];

test.each<[string, string, string, string | null]>([
  ['one that was named', 'http://mirror.lan/a', 'http://192.168.1.9:8080/a', null],
  ['one of IPv6', 'http://mirror.lan/a', 'http://[fd00::9]/a', null],
  ['a service of this machine that was named', 'http://mirror.lan/a', 'http://127.0.0.1:9000/a', null],
  ['one that was named, from http to https', 'http://192.168.1.7/a', 'https://mirror.lan/a', null],
  ['another port of it', 'http://mirror.lan/a', 'http://192.168.1.9/a', NOT_NAMED],
  ['a longer port of it', 'http://mirror.lan/a', 'http://192.168.1.9:18080/a', NOT_NAMED],
  ['a host that ends as it does', 'http://192.168.1.7/a', 'http://a.mirror.lan/', NOT_NAMED],
  ['a host that begins as it does', 'http://192.168.1.7/a', 'http://mirror.lan.lan/', NOT_NAMED],
  ['another one', 'http://mirror.lan/a', 'http://192.168.1.1/', NOT_NAMED],
  ['one that was named, in place of a path', 'http://mirror.lan/a', 'http://192.168.1.1/192.168.1.9:8080', NOT_NAMED],
  ['one that was named, from https to http', 'https://mirror.lan/a', 'http://192.168.1.9:8080/a', DOWNGRADE],
  [
    'one that was named, with a password',
    'http://mirror.lan/a',
    'http://a:b@192.168.1.9:8080/',
    'it redirects to an address with a password in it',
  ],
  ['one that was named, from outside', 'http://mirror.example/a', 'http://192.168.1.9:8080/a', INNER],
  ['one that was named, from a name that nobody knows', 'http://gone.example/a', 'http://192.168.1.9:8080/a', INNER],
  ['out', 'http://mirror.lan/a', 'http://other.example/a', null],
])('of an owner who named hosts of his house, to %s: %s -> %s', async (_, named, to, expected) => {
  const from = new URL(named);
  expect(await whyNotFollowed({ named: from, from, to: new URL(to) }, { insideTo: INSIDE_TO }, addressesOf)).toBe(
    expected,
  );
});

test('a mirror of the house that leads out gives nobody there a way to hosts of the house, but back to itself', async () => {
  const ways = async (to: string) =>
    await whyNotFollowed(
      { named: new URL('http://mirror.lan/a'), from: new URL('http://other.example/'), to: new URL(to) },
      { insideTo: INSIDE_TO },
      addressesOf,
    );
  expect(await ways('http://192.168.1.9:8080/')).toBe(INNER);
  expect(await ways('http://mirror.lan/b')).toBeNull();
});

let servers: Server[] = [];
afterEach(() => {
  for (const server of servers) server.close().closeAllConnections();
  servers = [];
});

async function serve(location?: string): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    asked.push(url);
    if (location === undefined) response.end('here');
    else response.writeHead(302, { location }).end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

test.each(['127.0.0.1', 'localhost'])(
  'another service of this machine, named %s, is not asked at all',
  async (host) => {
    const inner = await serve();
    const mirror = await serve(`${inner.url.replace('127.0.0.1', host)}/admin`);
    const asking = request(`${mirror.url}/sha256sums`, {}, new AbortController().signal);
    await expect(asking).rejects.toMatchObject({
      kind: 'upstream_unavailable',
      detail: expect.stringContaining(INNER),
    });
    expect([mirror.asked, inner.asked]).toEqual([['/sha256sums'], []]);
  },
);

test.each(['data:,x', 'file:///etc/passwd'])('%s is no mirror', async (url) => {
  const asking = request(url, {}, new AbortController().signal);
  await expect(asking).rejects.toMatchObject({ detail: expect.stringContaining('expected http or https') });
});
