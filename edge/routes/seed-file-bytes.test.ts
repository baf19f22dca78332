/** Section 3 of the seed API, "Files": each file of a build, whole, in part, or not at all where one has it already. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { ask, env } from '../edge.fixture.ts';
import { IMAGE_NAME } from '../nodes/farm-node.fixture.ts';
import { seedJson } from '../seed/request.fixture.ts';
import { bodyOf, IMAGE, textOf, withSeedFiles } from './seed-files.fixture.ts';

const bucket = env.IMAGES as R2Bucket;
let hash = '';
let path = '';

withSeedFiles((built) => {
  ({ hash, path } = built);
});

describe('GET /json/<path>/<file> and GET /download/<path>/<file>', () => {
  const urls = [
    (p: string, name: string) => `/json/${p}/${name}`,
    (p: string, name: string) => `/download/${p}/${name}`,
    (p: string, name: string) => `//json/${p}//${name}`,
    (p: string, name: string) => `/download//json/${p}//${name}`,
  ];

  it.each(urls.map((url) => [url('<path>', '<file>'), url] as const))('%s is the file', async (_, url) => {
    const response = await ask(url(path, IMAGE_NAME));
    expect([response.status, await bodyOf(response)]).toEqual([200, IMAGE]);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'content-length': String(IMAGE.length),
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${IMAGE_NAME}"`,
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      'cache-control': 'public, max-age=31536000, immutable',
      etag: `"${sha256Hex(IMAGE)}"`,
    });
  });

  it('may be written with escapes that say the same', async () => {
    expect(await textOf(`/json/${path}/${IMAGE_NAME.replace('-', '%2D').replace('.', '%2e')}`)).toBe(IMAGE);
  });

  it('serves the very bytes of /store', async () => {
    for (const name of ['profiles.json', 'openwrt-x86-64-generic.manifest', 'openwrt-x86-64-generic.bom.cdx.json'])
      expect(await textOf(`/json/${path}/${name}`)).toBe(await textOf(`/store/${hash}/${name}`));
  });

  it('asks the store nothing for HEAD, nor for what is made here', async () => {
    const get = vi.spyOn(bucket, 'get');
    const list = vi.spyOn(bucket, 'list');
    for (const name of [IMAGE_NAME, 'sha256sums', 'sha256sums.sig'])
      expect((await ask(`/json/${path}/${name}`, { method: 'HEAD' })).headers.get('content-length')).toMatch(/^\d+$/);
    expect([get.mock.calls, list.mock.calls]).toEqual([[], []]);
  });

  const DIRECTORY = '';
  describe.each([IMAGE_NAME, 'sha256sums', 'sha256sums.sig', 'build.log', DIRECTORY])('of "%s"', (name) => {
    const url = () => `/json/${path}/${name}`;
    let whole = '';
    let etag = '';
    beforeEach(async () => {
      const response = await ask(url());
      etag = response.headers.get('etag') ?? '';
      whole = await bodyOf(response);
    });

    it('the tag is the digest of the bytes', () => {
      expect(etag).toBe(`"${sha256Hex(whole)}"`);
    });

    it('text has an encoding, so that nobody on the way compresses it and takes its length away', async () => {
      const response = await ask(url());
      expect(response.headers.get('content-encoding')).toBe(name === IMAGE_NAME ? null : 'identity');
      expect(await bodyOf(response)).toBe(whole);
    });

    it.each([
      ['bytes=0-4', 0, 5],
      ['bytes=3-', 3, undefined],
      ['bytes=-4', -4, undefined],
      ['bytes=3-99999', 3, undefined],
    ])('Range %s is that part', async (range, from, to) => {
      const part = whole.slice(from, to);
      const first = from < 0 ? whole.length + from : from;
      const response = await ask(url(), { headers: { range } });
      expect([response.status, await bodyOf(response)]).toEqual([206, part]);
      expect(response.headers.get('content-length')).toBe(String(part.length));
      expect(response.headers.get('content-range')).toBe(`bytes ${first}-${first + part.length - 1}/${whole.length}`);
    });

    it.each(['bytes=99999-', 'bytes=-0'])('Range %s is refused, with the size', async (range) => {
      const response = await ask(url(), { headers: { range } });
      expect(response.headers.get('content-range')).toBe(`bytes */${whole.length}`);
      expect(await seedJson(response)).toMatchObject({ status: 416 });
    });

    it.each(['bytes=4-2', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=a-b'])('Range %s means the whole', async (range) => {
      const response = await ask(url(), { headers: { range } });
      expect([response.status, await bodyOf(response)]).toEqual([200, whole]);
    });

    it('what was begun is gone on with where it is the same', async () => {
      for (const [ifRange, status] of [[etag, 206] as const, ['"other"', 200] as const]) {
        const response = await ask(url(), { headers: { range: 'bytes=1-2', 'if-range': ifRange } });
        expect([response.status, (await bodyOf(response)).length]).toEqual([status, status === 206 ? 2 : whole.length]);
      }
    });

    it('who has it already gets no body', async () => {
      for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
        const response = await ask(url(), { headers: { 'if-none-match': tag } });
        expect([response.status, response.headers.get('etag'), await bodyOf(response)]).toEqual([304, etag, '']);
      }
      const other = await ask(url(), { headers: { 'if-none-match': '"other"' } });
      expect([other.status, await bodyOf(other)]).toEqual([200, whole]);
    });

    it('HEAD has the headers of GET, and no ranges', async () => {
      const [get, head] = [await ask(url()), await ask(url(), { method: 'HEAD', headers: { range: 'bytes=3-' } })];
      expect([head.status, await bodyOf(head)]).toEqual([200, '']);
      expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(get.headers));
    });
  });
});
