import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import {
  ask,
  env,
  foremanStats,
  foremanStub,
  GOOD_REQUEST,
  jsonOf,
  openUpstream,
  post,
  rowsOf,
} from '../edge.fixture.ts';

beforeAll(async () => {
  const mirror = await openUpstream();
  mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64', 'x86/generic': 'i386' } });
  mirror.weather.set('releases/24.10.2/targets/x86/generic/sha256sums', () => new Response('', { status: 503 }));
});

/** Nothing that is refused here may cost the Foreman anything, nor leave a trace. */
afterAll(async () => {
  expect((await foremanStats()).calls).toEqual({});
  expect(await rowsOf(foremanStub(), 'builds')).toEqual([]);
  expect(await rowsOf(foremanStub(), 'leases')).toEqual([]);
  expect((await env.CACHE.list({ prefix: 'result/' })).keys).toEqual([]);
});

const body = async (response: Response, status: number) => {
  const json = await jsonOf(response);
  expect([response.status, json]).toMatchObject([status, {}]);
  return json;
};

describe('a body that is no request is refused in a sentence', () => {
  it.each([
    ['nothing', '', 'body: expected JSON'],
    ['text', 'hello', 'body: expected JSON'],
    ['half a request', JSON.stringify(GOOD_REQUEST).slice(0, -1), 'body: expected JSON'],
    ['a request and a half', `${JSON.stringify(GOOD_REQUEST)}}`, 'body: expected JSON'],
    ['JSON with a comment', `/**/${JSON.stringify(GOOD_REQUEST)}`, 'body: expected JSON'],
    ['a form', 'version=24.10.2&target=x86/64', 'body: expected JSON'],
    ['null', 'null', 'body: Invalid input: expected object, received null'],
    ['a list', '[]', 'body: Invalid input: expected object, received array'],
    ['a string', '"x"', 'body: Invalid input: expected object, received string'],
    ['a number', '1', 'body: Invalid input: expected object, received number'],
    [
      'deep nesting',
      `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
      'body: Invalid input: expected object, received array',
    ],
    [
      'deep nesting in a field',
      JSON.stringify({ ...GOOD_REQUEST, packages: 0 }).replace(
        '"packages":0',
        `"packages":${'['.repeat(50_000)}${']'.repeat(50_000)}`,
      ),
      'packages.0: Invalid input: expected string, received array',
    ],
  ])('%s', async (_, text, detail) => {
    expect(await body(await post(text), 422)).toMatchObject({ detail, title: 'Unprocessable Content' });
  });

  const gzipped = async (): Promise<Uint8Array<ArrayBuffer>> => {
    const packed = new Blob([JSON.stringify(GOOD_REQUEST)]).stream().pipeThrough(new CompressionStream('gzip'));
    return new Uint8Array(await new Response(packed).arrayBuffer());
  };

  it.each<[string, () => Promise<Uint8Array<ArrayBuffer>>, Record<string, string>]>([
    ['bytes that are no UTF-8', async () => Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), {}],
    ['text in UTF-16', async () => Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0), {}],
    ['a request that is compressed, and says so', gzipped, { 'content-encoding': 'gzip' }],
    ['a request that is compressed', gzipped, {}],
  ])('%s', async (_, bytesOf, headers) => {
    const bytes = await bytesOf();
    const withLength = { ...headers, 'content-length': String(bytes.length) };
    for (const init of [
      { headers: withLength, body: bytes },
      { headers, body: new Blob([bytes]).stream() },
    ]) {
      const response = await ask('/api/v1/build', { method: 'POST', ...init });
      expect((await body(response, 422)).detail).toBe('body: expected UTF-8 without U+FFFD, and not compressed');
    }
  });
});

describe('a body above 256 KiB is refused', () => {
  const TEN_MB = 10 * 1024 * 1024;
  const detail = 'Request body too large: expected at most 262144 bytes';

  it('when its length says so, without being read', async () => {
    const response = await ask('/api/v1/build', {
      method: 'POST',
      headers: { 'content-length': String(TEN_MB) },
      body: ' '.repeat(TEN_MB),
    });
    expect(await body(response, 413)).toMatchObject({ detail, title: 'Content Too Large' });
  });

  it('when its bytes do, sent in chunks without a length; the rest is not read', async () => {
    let sent = 0;
    const chunk = new TextEncoder().encode(' '.repeat(64 * 1024));
    const chunks = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.length;
        if (sent > TEN_MB) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const response = await ask('/api/v1/build', { method: 'POST', body: chunks });
    expect(await body(response, 413)).toMatchObject({ detail });
    expect(sent).toBeLessThan(TEN_MB / 2);
  });

  it('by one byte', async () => {
    const request = JSON.stringify({ ...GOOD_REQUEST, version: 'latest' });
    const padded = request + ' '.repeat(256 * 1024 - request.length);
    expect((await body(await post(padded), 400)).detail).toBe('Unsupported branch: latest');
    await body(await post(`${padded} `), 413);
  });
});

test('what upstream does not give now is our trouble, to be asked again, with the reason', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const response = await post({ ...GOOD_REQUEST, target: 'x86/generic' });
  expect(response.headers.get('retry-after')).toBe('60');
  expect(await body(response, 503)).toMatchObject({
    error_kind: 'upstream_unavailable',
    detail: expect.stringContaining('not a fault of your request'),
    reason: expect.stringContaining('sha256sums'),
  });
  log.mockRestore();
});
