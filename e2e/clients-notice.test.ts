/**
 * The replays of today's clients notice what would break the clients: the edge's true answers, each with one thing changed,
 * and what the client's user would get of it. Without this a rule of the contract could be lost and all replays still pass.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Auc } from './clients/auc.ts';
import {
  gzipped,
  html,
  on,
  redirected,
  set,
  setEach,
  setIn,
  started,
  withBody,
  without,
  withStatus,
} from './clients/changed-answer.ts';
import { FirmwareSelector } from './clients/firmware-selector.ts';
import { Luci } from './clients/luci.ts';
import { Owut } from './clients/owut.ts';
import { type RouterState, routerRunning } from './clients/router-state.ts';
import { type TamperingProxy, tamperingProxy } from './clients/tampering-proxy.ts';
import { StackUnderTest } from './stack-under-test.ts';

const pollMs = 10;
let stack: StackUnderTest;
let proxy: TamperingProxy;
let router: RouterState;

beforeAll(async () => {
  stack = await StackUnderTest.start();
  await stack.startNode('one');
  proxy = await tamperingProxy(stack.url);
  router = await routerRunning(stack.url, {
    boardName: 'acme,ax3000-v1',
    target: 'demo/generic',
    version: '24.10.2',
    packages: ['luci'],
  });
});
afterAll(async () => {
  await proxy?.close();
  await stack?.close();
});
beforeEach(() => proxy.setTamper((_, answer) => answer));

const OVERVIEW = /overview/;
const BRANCHES = /branches/;
const DEVICE = /acme_ax3000-v1\.json/;
const ARCH = /demo_generic-index/;
const POST = /^POST \/+api\/v1\/build/;
const STORE = / \/+store\//;
const OPTIONS = /^OPTIONS/;
const CORS = 'access-control-allow-origin';
const LISTED_DETAIL = { detail: [{ loc: ['packages'] }] };

describe('owut', () => {
  const download = () => new Owut(proxy.url, router, { pollMs, force: true }).download();

  test('gets its image when nothing is changed', async () => {
    expect(await download()).not.toBeNull();
  });

  test.each([
    ['no changes', setIn(OVERVIEW, ['branches', '24.10'], { package_changes: null }), 'crashed', /package_changes/],
    ['a branch without targets', setIn(OVERVIEW, ['branches', '24.10'], { targets: {} }), 'shown', /not available/],
    ['a version that is no string', set(ARCH, { luci: 25 }), 'crashed', /luci/],
    ['an index without an installed package', set(ARCH, { luci: undefined }), 'shown', /missing.*luci/],
    ['another name in the manifest', setIn(POST, ['manifest'], { luci: undefined, luci2: '1' }), 'shown', /^luci: exp/],
    ['another version in the manifest', setIn(POST, ['manifest'], { luci: '1' }), 'shown', /^luci: expected/],
    ['a gzipped answer that it did not ask for', on(POST, gzipped), 'crashed', /gzip/],
    ['a redirect to another store', on(STORE, redirected), 'crashed', /redirected/],
    ['an answer without its request', set(POST, { request: undefined }), 'crashed', /request/],
    ['another revision than it asked for', set(POST, { version_code: 'r1-aaaaaaaaaa' }), 'shown', /^revision/],
    ['another status in the body than on the wire', set(POST, { status: '200' }), 'crashed', /status "200"/],
    ['no image of its file system', setEach(POST, ['images'], { filesystem: 'ubifs' }), 'shown', /squashfs/],
    ['another digest', setEach(POST, ['images'], { sha256: 'ab'.repeat(32) }), 'shown', /digest/],
    ['an HTML page', on(POST, html), 'crashed', /expected JSON/],
  ] as const)('given %s', async (_, tamper, kind, message) => {
    proxy.setTamper(tamper);
    await expect(download()).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
  });

  test('given a queue position that is no number', async () => {
    const headers = { 'x-imagebuilder-status': 'queued', 'x-queue-position': 'soon' };
    proxy.setTamper((line, answer) => {
      if (POST.test(line)) return started({ detail: 'queued' })(answer);
      return line.startsWith('HEAD') ? { ...answer, status: 202, headers } : answer;
    });
    const message = expect.stringMatching(/x-queue-position/);
    await expect(download()).rejects.toMatchObject({ kind: 'crashed', message });
  });
});

describe('auc', () => {
  const upgrade = () => new Auc(proxy.url, router, { pollMs, force: true }).upgrade();
  const zeroed = on(STORE, (answer) => withBody(answer, Buffer.alloc(answer.body.length)));

  test('gets its image when nothing is changed', async () => {
    expect(await upgrade()).not.toBeNull();
  });

  test.each([
    ['branches that are enabled with a word', setEach(BRANCHES, [], { enabled: 'true' }), 'Invalid argument'],
    ['branches without a path of packages', setEach(BRANCHES, [], { path_packages: null }), 'Invalid argument'],
    ['targets as a list', setEach(BRANCHES, [], { targets: ['demo/generic'] }), 'Invalid argument'],
    ['a metadata_version in quotes', set(DEVICE, { metadata_version: '1' }), 'Invalid argument'],
    ['a device without images', set(DEVICE, { images: undefined }), 'Invalid argument'],
    ['a list for another architecture', set(/generic\/index/, { architecture: 'other' }), 'Bad message'],
    ['a bin_dir that is no string', set(POST, { bin_dir: 1 }), 'done\nBad message'],
    ['images without digests', setEach(POST, ['images'], { sha256: undefined }), 'No such file or directory'],
    ['a file without its length', on(STORE, without('content-length')), 'file size mismatch'],
    ['a file with another digest', zeroed, 'sha256 mismatch'],
    ['a directory that makes URLs too long', set(POST, { bin_dir: 'd'.repeat(200) }), 'image download failed'],
  ] as const)('given %s', async (_, tamper, message) => {
    proxy.setTamper(tamper);
    await expect(upgrade()).rejects.toMatchObject({ kind: 'shown', message });
  });

  test('given a version that was never set', async () => {
    proxy.setTamper(set(DEVICE, { version_code: undefined }));
    await expect(upgrade()).rejects.toMatchObject({ kind: 'crashed' });
  });

  test('given a 202 without a hash', async () => {
    proxy.setTamper(on(POST, started({ request_hash: undefined })));
    await expect(upgrade()).rejects.toMatchObject({ kind: 'stuck', message: 'no request_hash in a 202' });
  });
});

describe('LuCI', () => {
  const page = () => new Luci(proxy.url, router, { pollMs, maxIgnored: 2 });
  const refused = on(OPTIONS, (answer) => ({ ...answer, status: 405 }));

  test('gets its image when nothing is changed', async () => {
    expect((await page().upgrade('24.10.2')).bytes.length).toBeGreaterThan(0);
  });

  test.each([
    ['an overview that redirects', on(OVERVIEW, redirected), 'stuck', /Searching/],
    ['an overview without CORS', on(OVERVIEW, without(CORS)), 'stuck', /Searching/],
    ['a preflight that is refused', refused, 'stuck', /no answer/],
    ['a preflight for nothing', on(OPTIONS, without('access-control-allow-headers')), 'stuck', /no answer/],
    ['a word for a step that is of no table', on(POST, started({ imagebuilder_status: 'polish' })), 'stuck', /polish/],
    ['a detail that is a list', on(POST, withStatus(422, LISTED_DETAIL)), 'shown', /^\[object Object\]$/],
    ['a page of HTML', on(POST, html), 'stuck', /502/],
    ['no image of its file system', setEach(POST, ['images'], { filesystem: 'ubifs' }), 'crashed', /squashfs/],
    ['a file without CORS', on(STORE, without(CORS)), 'stuck', /Downloading/],
    ['another file', on(STORE, html), 'shown', /Wrong checksum/],
  ] as const)('given %s', async (_, tamper, kind, message) => {
    proxy.setTamper(tamper);
    const upgrade = page().upgrade('24.10.2');
    await expect(upgrade).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
  });

  test('given latest versions that are no list', async () => {
    proxy.setTamper(set(OVERVIEW, { latest: { stable: '25.12.1' } }));
    await expect(page().check()).rejects.toMatchObject({ kind: 'crashed', message: expect.stringMatching(/latest/) });
  });
});

describe('firmware-selector', () => {
  const build = async () => {
    const page = new FirmwareSelector({ asuUrl: proxy.url, imageUrl: stack.mirrorServer.url, pollMs });
    return page.build(await page.choose('24.10.2', 'Acme AX3000 v1'));
  };

  test('gets its images when nothing is changed, and its log panel stays closed', async () => {
    expect((await build()).log).toBeNull();
  });

  test.each([
    ['a detail that is a list', on(POST, withStatus(422, LISTED_DETAIL)), 'stuck', /detail/],
    ['a page of HTML', on(POST, html), 'stuck', /502/],
    ['an answer without CORS', on(POST, without(CORS)), 'shown', /Failed to fetch/],
    ['a 202 without a hash', on(POST, started({ request_hash: undefined })), 'stuck', /request_hash/],
    ['no titles', set(POST, { titles: undefined }), 'crashed', /titles/],
    ['a date that is none', set(POST, { build_at: 'yesterday' }), 'crashed', /build_at/],
    ['no build_cmd', set(POST, { build_cmd: undefined }), 'crashed', /build_cmd/],
  ] as const)('given %s', async (_, tamper, kind, message) => {
    proxy.setTamper(tamper);
    await expect(build()).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
  });

  test('opens its log panel for a stderr, be it empty', async () => {
    proxy.setTamper(set(POST, { stdout: '', stderr: '' }));
    expect((await build()).log).toEqual({ stdout: '', stderr: '' });
  });
});
