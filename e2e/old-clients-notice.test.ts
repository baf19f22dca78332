/**
 * The replays of the clients of 2018 and 2019 notice what would break the clients: the edge's true answers, each with one thing
 * changed, and what the client's user would get of it. Without this a rule of the old API could be lost and all replays still pass.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { html, on, set, withBody, without, withStatus } from './clients/changed-answer.ts';
import { Chef } from './clients/chef.ts';
import { OldAuc, type OldAucOptions } from './clients/old-auc.ts';
import { OldLuci } from './clients/old-luci.ts';
import { type OldRouter, router1806 } from './clients/old-router.ts';
import { keyId } from './clients/opkg-keys.ts';
import { type ProxiedAnswer, type TamperingProxy, tamperingProxy } from './clients/tampering-proxy.ts';
import { StackUnderTest } from './stack-under-test.ts';

const pollMs = 10;
let stack: StackUnderTest;
let proxy: TamperingProxy;
let router: OldRouter;

beforeAll(async () => {
  stack = await StackUnderTest.start();
  await stack.startNode('one');
  proxy = await tamperingProxy(stack.url);
  const key = await (await fetch(`${stack.url}/keys/usign.pub`)).text();
  router = { ...router1806('nano'), keys: new Map([[keyId(key), key]]) };
});
afterAll(async () => {
  await proxy?.close();
  await stack?.close();
});
beforeEach(() => proxy.setTamper((_, answer) => answer));

const CHECK = /^POST \/api\/upgrade-check/;
const REQUEST = /^(?:POST|GET) \/api\/upgrade-request/;
const BUILD = /^(?:POST|GET) \/api\/build-request/;
const IMAGE = /\.bin$/;
const SUMS = /\/sha256sums$/;
const SIGNATURE = /\/sha256sums\.sig$/;
const OPTIONS = /^OPTIONS/;
const CORS = 'access-control-allow-origin';
const EXPOSED = 'access-control-expose-headers';
const LIST = (answer: ProxiedAnswer) => withBody(answer, JSON.stringify([JSON.parse(answer.body.toString())]));
const zeroed = (answer: ProxiedAnswer) => withBody(answer, Buffer.alloc(answer.body.length));
const withHeader = (name: string, value: string) => (answer: ProxiedAnswer) => ({
  ...answer,
  headers: { ...answer.headers, [name]: value },
});

/** As if it were being built; a real one would be over too soon. `hash`: of another build, or none. */
const building = (word: string, hash?: string) => (answer: ProxiedAnswer) =>
  withHeader('x-imagebuilder-status', word)(withStatus(202, { request_hash: hash })(answer));
const nobodyHas = withStatus(422, { error: 'could not find packages: x' });

/** Whole URLs are the edge's own; what they lead to is to be changed here as well. */
const throughProxy = (answer: ProxiedAnswer) =>
  answer.headers['content-type']?.startsWith('application/json')
    ? withBody(answer, answer.body.toString().replaceAll(stack.url, proxy.url))
    : answer;

describe('auc 0.1.4', () => {
  const upgrade = () => new OldAuc(proxy.url, router, { version: '0.1.4', pollMs }).upgrade();

  test('gets its image when nothing is changed', async () => {
    expect(await upgrade()).not.toBeNull();
  });

  test.each([
    ['a list instead of an object', on(CHECK, LIST), 'shown', /^server reply invalid\.$/],
    ['a version that is a number', set(CHECK, { version: 25, upgrades: undefined }), 'shown', /reply invalid/],
    ['upgrades as a list', set(CHECK, { version: undefined, upgrades: ['nano'] }), 'shown', /reply invalid/],
    ['a 422 that names no package', on(CHECK, nobodyHas), 'crashed', /X-Unknown-Package/],
    ['a page of HTML', on(CHECK, html), 'shown', /^HTTP error 502\nserver reply invalid\.$/],
    [
      'a word that is of no table',
      on(REQUEST, building('queued')),
      'shown',
      /^unrecognized remote imagebuilder status 'qu/,
    ],
    ['a 202 without a word and a hash', on(REQUEST, withStatus(202, {})), 'shown', /^no sysupgrade image returned$/],
    ['no sysupgrade', set(REQUEST, { sysupgrade: undefined }), 'shown', /no sysupgrade image/],
    ['no files', set(REQUEST, { files: undefined }), 'shown', /no sysupgrade image/],
    [
      'a whole URL as the image',
      set(REQUEST, { sysupgrade: 'http://elsewhere/image.bin' }),
      'shown',
      /download failed/,
    ],
    [
      'a path that makes URLs too long',
      set(REQUEST, { files: `/json/${'d'.repeat(250)}/` }),
      'shown',
      /download failed/,
    ],
    ['a file without its length', on(IMAGE, without('content-length')), 'shown', /file size mismatch/],
    ['a hash that nobody knows', set(REQUEST, { request_hash: '0'.repeat(12) }), 'shown', /^HTTP error 404\nno sys/m],
  ] as const)('given %s', async (_, tamper, kind, message) => {
    proxy.setTamper(tamper);
    await expect(upgrade()).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
  });
});

describe('auc 0.0.9', () => {
  const upgrade = (more: Partial<OldAucOptions> = {}) =>
    new OldAuc(proxy.url, router, { version: '0.0.9', pollMs, ...more }).upgrade();
  const tampered = (line: RegExp, change: (answer: ProxiedAnswer) => ProxiedAnswer) => {
    proxy.setTamper((asked, answer) => {
      const here = throughProxy(answer);
      return line.test(asked) ? change(here) : here;
    });
  };
  const setting = (fields: Readonly<Record<string, unknown>>) => (answer: ProxiedAnswer) =>
    withBody(answer, JSON.stringify({ ...JSON.parse(answer.body.toString()), ...fields }));
  const twice = (answer: ProxiedAnswer) => withBody(answer, Buffer.concat([answer.body, answer.body]));

  test('gets its image when nothing is changed', async () => {
    tampered(/$^/, (answer) => answer);
    expect(await upgrade()).not.toBeNull();
  });

  test.each([
    ['a bare name of the image', REQUEST, setting({ sysupgrade: 'image.bin' }), 'shown', /image download failed/],
    ['a URL that is too long', REQUEST, setting({ sysupgrade: `http://x/${'d'.repeat(250)}` }), 'crashed', /no end/],
    ['another file', IMAGE, zeroed, 'shown', /checksum verification failed/],
    ['a list with each line twice', SUMS, twice, 'shown', /checksum verification failed/],
    ['a list of nothing', SUMS, (answer: ProxiedAnswer) => withBody(answer, 'empty\n'), 'shown', /sums size mismatch/],
    ['no list', SUMS, withStatus(404, {}), 'shown', /sha256sums download failed/],
    ['another signature', SIGNATURE, zeroed, 'shown', /signature verification failed/],
    ['no signature', SIGNATURE, withStatus(404, {}), 'shown', /sha256sums\.sig download failed/],
    ['a signature without its length', SIGNATURE, without('content-length'), 'shown', /sig download incomplete/],
  ] as const)('given %s', async (_, line, change, kind, message) => {
    tampered(line, change);
    await expect(upgrade()).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
  });

  test('given a list that is one byte longer than what was signed', async () => {
    tampered(SUMS, (answer) => withBody(answer, Buffer.concat([answer.body, Buffer.from('\n')])));
    await expect(upgrade()).rejects.toMatchObject({ message: expect.stringMatching(/signature verification failed/) });
    expect(await upgrade({ ignoreSignature: true })).not.toBeNull();
  });
});

describe('LuCI of 2019', () => {
  const page = () => new OldLuci(proxy.url, router, { pollMs, maxOverloaded: 2 });

  test('gets its image when nothing is changed', async () => {
    expect((await page().upgrade())?.bytes.length).toBeGreaterThan(0);
  });

  test.each([
    [
      'a preflight that is refused',
      on(OPTIONS, (answer) => ({ ...answer, status: 405 })),
      'shown',
      /could not connect/,
    ],
    ['an answer without CORS', on(CHECK, without(CORS)), 'shown', /could not connect/],
    ['no packages in the check', set(CHECK, { packages: undefined }), 'crashed', /packages/],
    ['upgrades that are no pairs', set(CHECK, { upgrades: { nano: '8.7' } }), 'crashed', /upgrades\.nano/],
    ['an error without a text', on(CHECK, withStatus(400, {})), 'crashed', /error/],
    ['a 404', on(REQUEST, withStatus(404, {})), 'stuck', /404/],
    ['a 420', on(REQUEST, withStatus(420, {})), 'stuck', /420/],
    ['a 403', on(REQUEST, withStatus(403, {})), 'stuck', /403/],
    ['a 429', on(REQUEST, withStatus(429, {})), 'stuck', /429/],
    ['a server that is down', on(REQUEST, html), 'shown', /^Server down for maintenance$/],
    ['no files', set(REQUEST, { files: undefined }), 'stuck', /Downloading/],
    ['a whole URL as the image', set(REQUEST, { sysupgrade: 'http://elsewhere/image.bin' }), 'stuck', /Downloading/],
    ['a file without CORS', on(IMAGE, without(CORS)), 'stuck', /Downloading/],
    ['a file that is gone', on(IMAGE, withStatus(404, {})), 'stuck', /Downloading/],
  ] as const)('given %s', async (_, tamper, kind, message) => {
    proxy.setTamper(tamper);
    await expect(page().upgrade()).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
  });

  test('given a header that the browser keeps to itself, it does not say what is missing', async () => {
    proxy.setTamper((line, answer) => {
      if (!CHECK.test(line)) return answer;
      return without(EXPOSED)(withHeader('x-unknown-package', 'x')(nobodyHas(answer)));
    });
    await expect(page().check()).rejects.toMatchObject({ message: 'Unknown package in request: null' });
  });
});

describe('chef of 2019', () => {
  const build = async () => {
    const page = new Chef(proxy.url, { pollMs, maxSamePosition: Number.POSITIVE_INFINITY });
    const { latest } = await page.open();
    const answer = await page.build(await page.choose(latest, 'ax3', 'Acme AX3000 v1'));
    return page.show(String(answer.image_hash));
  };

  test('gets its page when nothing is changed', async () => {
    expect((await build()).files.length).toBeGreaterThan(0);
  });

  test.each([
    ['distributions as a list', on(/distributions/, LIST), 'crashed', /distributions/],
    [
      'a version without anything about it',
      set(/distributions/, { openwrt: { distro_alias: 'x' } }),
      'crashed',
      /versions/,
    ],
    ['statistics without CORS', on(/image_stats/, without(CORS)), 'crashed', /Failed to fetch/],
    ['models as an object', on(/model_search=ax3/, (answer) => withBody(answer, '{"models":[]}')), 'crashed', /models/],
    [
      'packages within an object',
      on(/packages_image/, (answer) => withBody(answer, '{"packages":[]}')),
      'crashed',
      /packages/,
    ],
    ['a page of HTML', on(BUILD, html), 'crashed', /expected JSON/],
    ['an empty answer', on(BUILD, (answer) => withBody(answer, '')), 'crashed', /expected JSON/],
    ['a 404', on(BUILD, withStatus(404, { request_hash: '0'.repeat(12) })), 'stuck', /404/],
    ['a 420', on(BUILD, withStatus(420, { error: 'x' })), 'stuck', /420/],
    ['a 409', on(BUILD, withStatus(409, { error: 'x' })), 'stuck', /409/],
    ['an image of no hash', set(BUILD, { image_hash: undefined }), 'crashed', /files|manifest/],
    ['a listing in HTML', on(/^GET \/json\//, html), 'crashed', /expected JSON/],
    ['a manifest as a list', on(/manifest/, LIST), 'crashed', /manifest/],
  ] as const)('given %s', async (_, tamper, kind, message) => {
    proxy.setTamper(tamper);
    await expect(build()).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
  });

  test('given the same place in the queue for too long', async () => {
    const page = new Chef(proxy.url, { pollMs, maxSamePosition: 3 });
    const device = await page.choose('25.12.1', 'ax3', 'Acme AX3000 v1');
    proxy.setTamper(on(BUILD, (answer) => withHeader('x-build-queue-position', '1337')(building('queue')(answer))));
    await expect(page.build(device)).rejects.toMatchObject({ kind: 'shown', message: expect.stringMatching(/1337/) });
  });
});
