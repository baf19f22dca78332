/** `asu build` with servers that are broken, hostile, or away for a moment, and with signatures that say so. */
import { readdir } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BuildScene, until, WHAT } from './build-scene.fixture.ts';
import { type BuildServer, html, IMAGE, json, type Part, page, started } from './build-server.fixture.ts';

let scene: BuildScene;
let server: BuildServer;
beforeEach(async () => {
  scene = await BuildScene.start();
  ({ server } = scene);
});
afterEach(() => scene.close());

describe('with the key of the server', () => {
  const withKey = async (text = server.key.publicKey) =>
    scene.buildHere('--key', await scene.fileOf('usign.pub', text));

  test('signed digests are checked', async () => {
    const ended = await withKey();
    expect(ended.status).toBe(0);
    expect(ended.stderr).toContain(`digests are signed by key ${server.key.keyId}\n`);
    expect(ended.stderr).not.toContain('not checked');
  });

  const OTHER = 'RWS1BD5w+adc3j2Hqg9+b66CvLR7NlHbsj7wjNVj0XGt/othDgIAOJS+\n';
  test('another key is refused, and nothing is fetched', async () => {
    const ended = await withKey(OTHER);
    expect([ended.status, server.lines('GET /store')]).toEqual([5, []]);
    expect(ended.stderr).toMatch(/is signed by key [0-9a-f]{16}, which is not one of --key/);
  });

  test.each<[string, Part, (response: ServerResponse) => void, RegExp]>([
    [
      'a list that was changed',
      'sums',
      (response) => void response.end(`${'0'.repeat(64)} *${IMAGE}\n`),
      /does not fit/,
    ],
    ['a signature that is none', 'signature', (response) => void response.end('x'), /is none/],
    ['a page in place of a list', 'sums', html, /does not fit/],
    ['a list that does not end', 'sums', endless, /at most 1048576 bytes, got more/],
    [
      'a server that signs nothing',
      'sums',
      (response) => json(response, 404, { status: 404, detail: 'no such file' }),
      /signs nothing of this build \(no such file\)/,
    ],
  ])('%s is refused', async (_, part, answer, sentence) => {
    server.instead(part, answer);
    const ended = await withKey();
    expect([ended.status, await scene.there()]).toEqual([5, []]);
    expect(ended.stderr).toMatch(sentence);
  });

  test('a rightly signed list of other digests is refused', async () => {
    server.instead('poll', (response) => {
      const images = [server.imageOf({ sha256: 'f'.repeat(64) })];
      json(response, 200, server.done({ images }));
    });
    const ended = await withKey();
    expect(ended.status).toBe(5);
    expect(ended.stderr).toMatch(/the server answers sha256 f{64}, and signed is [0-9a-f]{64}/);
  });
});

function endless(response: ServerResponse): void {
  const chunk = ' '.repeat(64 * 1024);
  response.writeHead(200, { 'content-type': 'application/json' });
  const more = () => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once('drain', more);
  };
  more();
}

describe('in bad weather a build goes on', () => {
  test.each<[string, Part, (response: ServerResponse) => void, string]>([
    [
      '429',
      'post',
      (response) => json(response, 429, { detail: 'Too many requests' }, { 'retry-after': '1' }),
      'Too many requests; trying',
    ],
    [
      '503 with Retry-After',
      'post',
      (response) => json(response, 503, { detail: 'The queue is full' }, { 'retry-after': '1' }),
      'The queue is full; trying',
    ],
    ['the page of a proxy with 502', 'poll', (response) => page(response, 502), 'the server answers 502; trying'],
    [
      'a fault of the server',
      'poll',
      (response) => json(response, 500, { detail: 'The server made a mistake' }),
      'a mistake; trying',
    ],
    ['a line that is cut', 'poll', (response) => void response.destroy(), 'the connection failed'],
    [
      'an image that cannot be had now',
      'store',
      (response) => json(response, 503, { detail: 'not now' }),
      'not now; trying',
    ],
  ])('after %s', async (_, part, answer, told) => {
    server.instead(part, (response, __, nth) => (nth <= 2 ? answer(response) : false));
    const ended = await scene.buildHere();
    expect(ended.status).toBe(0);
    expect(ended.stderr).toContain(told);
    await scene.expectImage();
  });

  test('when the server was restarted', async () => {
    const one = scene.start(...WHAT);
    server.instead('poll', (response) => json(response, 202, started('building_image')));
    await until(() => one.stderr().includes('building image'));
    await server.close();
    await until(() => one.stderr().includes('trying again in'));
    server.instead('poll', () => false);
    await server.listen();
    expect((await one.ended).status).toBe(0);
    await scene.expectImage();
  });
});

describe('a server that', () => {
  test.each<[string, number, Part, (response: ServerResponse) => void, RegExp]>([
    ['answers with a page', 5, 'post', html, /^expected JSON with status 200, got an HTML page \(of a captive portal/m],
    ['is none', 5, 'post', (response) => page(response, 404), /^expected JSON with status 404, got an HTML page/m],
    ['answers with anything', 5, 'post', (response) => void response.end('\x1b[2Jhello'), /got "\\\\x1b\[2Jhello"$/m],
    ['answers with null', 5, 'post', (response) => json(response, 200, null), /about a build that is done is none/],
    ['does not end its answer', 5, 'post', endless, /at most 4194304 bytes, got more/],
    [
      'sends on',
      5,
      'post',
      (response) => void response.writeHead(301, { location: 'https://x.example/y' }).end(),
      /sends on to https:\/\/x/,
    ],
    [
      'refuses',
      3,
      'post',
      (response) => json(response, 400, { status: 400, detail: 'Unsupported profile: \x1b[31mx' }),
      /^Unsupported profile: \\x1b\[31mx$/m,
    ],
    [
      'refuses more than one thing',
      3,
      'post',
      (response) =>
        json(response, 422, {
          detail: 'version: a',
          errors: [
            { path: 'version', message: 'a' },
            { path: 'x', message: 'b' },
          ],
        }),
      /^version: a \(x: b\)$/m,
    ],
    [
      'could not build it',
      4,
      'poll',
      (response) =>
        json(response, 500, {
          detail: 'Error: The machines were lost',
          imagebuilder_status: 'failed',
          error_kind: 'node_lost',
        }),
      /^Error: The machines were lost$/m,
    ],
    [
      'names a path',
      5,
      'poll',
      (response) => withImage(response, { name: '../evil' }),
      /images\.0\.name: expected the name of a file, and no path$/m,
    ],
    [
      'names a hidden file',
      5,
      'poll',
      (response) => withImage(response, { name: '.bashrc' }),
      /expected the name of a file/,
    ],
    ['names a part', 5, 'poll', (response) => withImage(response, { name: 'x.part' }), /expected the name of a file/],
    [
      'names a file twice',
      5,
      'poll',
      (response) => json(response, 200, server.done({ images: [server.imageOf(), server.imageOf()] })),
      /images: expected each name once$/m,
    ],
    [
      'stores elsewhere',
      5,
      'poll',
      (response) => json(response, 200, server.done({ bin_dir: '../..' })),
      /bin_dir: expected one name/,
    ],
    ['promises more than there is', 5, 'poll', (response) => withImage(response, { size: 2 ** 50 }), /images\.0\.size/],
    [
      'sends other bytes',
      5,
      'store',
      (response) => void response.end(Buffer.alloc(300_000)),
      /expected sha256 [0-9a-f]{64}, got [0-9a-f]{64}; nothing of it was kept$/m,
    ],
    ['sends a page for a file', 5, 'store', html, /expected a file, got an HTML page/],
    ['does not end a file', 5, 'store', endless, /expected 300000 bytes, got more/],
    [
      'has lost the file',
      3,
      'store',
      (response) => json(response, 404, { detail: 'the file was removed from the store' }),
      /^the file was removed from the store$/m,
    ],
    ['breaks off each time', 4, 'poll', (response) => void response.destroy(), /^gave up: the connection failed/m],
    [
      'wants patience',
      4,
      'post',
      (response) => json(response, 503, { detail: 'full' }, { 'retry-after': '3600' }),
      /^gave up: full \(it wants to be asked again in \d+ s\)$/m,
    ],
  ])('%s ends it with %i', async (_, status, part, answer, sentence) => {
    server.instead(part, answer);
    const ended = await scene.buildHere('--patience', '1');
    expect([ended.status, ended.stdout]).toEqual([status, '']);
    expect(ended.stderr).toMatch(sentence);
    expect(ended.stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]| {4}at /);
    expect((await scene.there()).filter((name) => !name.endsWith('.part'))).toEqual([]);
    expect(await readdir(scene.directory)).not.toContain('evil');
  });

  function withImage(response: ServerResponse, more: object): void {
    json(response, 200, server.done({ images: [server.imageOf(more)] }));
  }

  test('is not there ends it with 4', async () => {
    await server.close();
    const ended = await scene.buildHere('--patience', '0');
    expect(ended).toEqual({ status: 4, stdout: '', stderr: 'gave up: the connection failed (ECONNREFUSED)\n' });
    await server.listen();
  });

  test('sends events without end is not believed', async () => {
    server.instead('events', (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      endlessData(response);
    });
    const ended = await scene.buildHere();
    expect(ended.status).toBe(5);
    expect(ended.stderr).toMatch(/^expected events of at most 4194304 characters, got a longer one$/m);
  });

  function endlessData(response: ServerResponse): void {
    const more = () => {
      while (!response.destroyed && response.write(`data: ${'x'.repeat(64 * 1024)}\n`));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  }
});
