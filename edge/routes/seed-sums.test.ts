/** What is signed of a build: its digests, and the key that anybody may hold them against. */
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { verifyUsign } from '../../shared/crypto/usign.ts';
import { parseSha256Sums } from '../../shared/upstream/sha256sums.ts';
import { ask, jsonOf } from '../edge.fixture.ts';
import { IMAGE_NAME } from '../nodes/farm-node.fixture.ts';
import { bodyOf, textOf, withSeedFiles } from './seed-files.fixture.ts';

let path = '';

withSeedFiles((built) => {
  ({ path } = built);
});

describe('sha256sums', () => {
  it('has exactly one line for each image, the manifest and profiles.json, and they are right', async () => {
    const sums = await textOf(`/json/${path}/sha256sums`);
    expect(
      sums
        .split('\n')
        .filter(Boolean)
        .map((line) => line.slice(64)),
    ).toEqual([` *${IMAGE_NAME}`, ' *openwrt-x86-64-generic.manifest', ' *profiles.json']);
    for (const [name, digest] of parseSha256Sums(sums))
      expect(sha256Hex(await textOf(`/json/${path}/${name}`))).toBe(digest);
  });
});

describe('sha256sums.sig', () => {
  const claim = async () => ({
    message: new TextEncoder().encode(await textOf(`/json/${path}/sha256sums`)),
    signature: await textOf(`/json/${path}/sha256sums.sig`),
    publicKeys: [await textOf('/keys/usign.pub')],
  });

  it("is usign's, by the key at /keys/usign.pub", async () => {
    expect(await verifyUsign(await claim())).toMatchObject({ ok: true });
  });

  it('is of these sums and of no others', async () => {
    const message = new TextEncoder().encode(`${await textOf(`/json/${path}/sha256sums`)}\n`);
    expect(await verifyUsign({ ...(await claim()), message })).toMatchObject({ ok: false, reason: 'bad_signature' });
  });

  it('is two lines, as usign reads them', async () => {
    expect(await textOf(`/download/${path}/sha256sums.sig`)).toMatch(
      /^untrusted comment: signed by key [0-9a-f]{16}\nRW[A-Za-z0-9+/]{97}=\n$/,
    );
  });
});

describe('/keys/usign.pub', () => {
  it('is text with CORS', async () => {
    const response = await ask('/keys/usign.pub');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '104',
    });
    expect(await bodyOf(response)).toMatch(/^untrusted comment: public key [0-9a-f]{16}\nRW[A-Za-z0-9+/]{54}\n$/);
  });

  it.each([
    ['POST', '/keys/usign.pub', 405],
    ['GET', '/keys/', 404],
    ['GET', '/keys/server.pub', 404],
  ])('%s %s: %i', async (method, url, status) => {
    expect(await jsonOf(await ask(url, { method }))).toMatchObject({ status });
  });
});
