/** Section 3 of the seed API: every row of its table, both endpoints, both dialects. */
import { describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { ask, foremanStub, rowsOf } from '../edge.fixture.ts';
import { orderFor, report } from '../nodes/farm-node.fixture.ts';
import {
  buildNext,
  ENDPOINTS,
  failNext,
  type Image,
  openSeedIsolate,
  PC,
  PC_SPLIT,
  poster,
  ROUTER,
  SQUASHFS,
  seedJson,
  unique,
  untilStatus,
  withSeedNode,
} from '../seed/request.fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

const post = poster(ask);
const node = withSeedNode();

/** Asks, has it built, and polls until that is known. */
async function built(path: string, request: object, images?: readonly Image[], status = 200) {
  const { request_hash } = await seedJson(await post(request, path));
  const hash = await buildNext(node(), images);
  const answer = await untilStatus(status, () => ask(`${path}/${request_hash}`));
  return { name: request_hash, hash, answer };
}

async function failed(path: string, kind: string, detail: string, status: number) {
  const request = { ...PC, packages: [unique()] };
  const { request_hash } = await seedJson(await post(request, path));
  const hash = await failNext(node(), kind, detail);
  const answer = await untilStatus(status, () => ask(`${path}/${request_hash}`));
  return { request, name: request_hash, hash, answer };
}

describe.each(ENDPOINTS)('%s', (path) => {
  test('queued, then being set up, then building, then done', async () => {
    const request = { ...PC, packages: [unique()] };
    const queued = await post(request, path);
    expect([queued.status, queued.headers.get('x-imagebuilder-status')]).toEqual([202, 'queue']);
    expect([queued.headers.get('x-build-queue-position'), queued.headers.get('retry-after')]).toEqual(['0', '5']);
    const body = await seedJson(queued);
    expect(body).toEqual({ request_hash: expect.stringMatching(/^[0-9a-f]{12}$/) });
    const behind = await post({ ...PC, packages: [unique()] }, path);
    expect(behind.headers.get('x-build-queue-position')).toBe('1');

    const order = await orderFor(node());
    const word = (expected: string): Promise<Response> =>
      vi.waitFor(
        async () => {
          const answer = await ask(`${path}/${body.request_hash}`);
          expect([answer.status, answer.headers.get('x-imagebuilder-status')]).toEqual([202, expected]);
          return answer;
        },
        { ...EVENTUALLY, interval: 100 },
      );
    await report(node(), order.leaseId, 1, { case: 'progress', value: { step: BuildStep.UNPACK_IMAGEBUILDER } });
    const setUp = await word('initialize');
    expect(setUp.headers.has('x-build-queue-position')).toBe(false);
    expect(await seedJson(setUp)).toEqual(body);
    await report(node(), order.leaseId, 2, { case: 'progress', value: { step: BuildStep.BUILDING_IMAGE } });
    expect(await seedJson(await word('building'))).toEqual(body);
    await report(node(), order.leaseId, 3, { case: 'failed', value: { kind: 'build_failed', detail: 'Error: x' } });
    await buildNext(node());
  });

  test('done, joined dialect: a bare name and paths', async () => {
    const { name, hash, answer } = await built(path, { ...PC, packages: [unique()] });
    expect(await seedJson(answer)).toEqual({
      sysupgrade: SQUASHFS.name,
      files: `/json/${hash.slice(0, 32)}/`,
      log: `/json/${hash.slice(0, 32)}/build.log`,
      request_hash: name,
      image_hash: hash.slice(0, 15),
    });
  });

  test('done, split dialect: whole URLs', async () => {
    const { name, hash, answer } = await built(path, { ...PC_SPLIT, packages: [unique()] });
    expect(await seedJson(answer)).toEqual({
      sysupgrade: `https://asu.example/download/${hash.slice(0, 32)}/${SQUASHFS.name}`,
      files: `https://asu.example/json/${hash.slice(0, 32)}/`,
      log: `https://asu.example/json/${hash.slice(0, 32)}/build.log`,
      request_hash: name,
      image_hash: hash.slice(0, 15),
    });
  });

  test.each([
    ['packages conflict', 'conflict', 'Error: Impossible package selection: conflicts (a, b)', 409],
    ['packages cannot be selected together', 'unknown_package', 'Error: Impossible package selection', 409],
    ['image too big', 'image_too_big', 'Error: Selected packages exceed device storage', 413],
    ['unknown package', 'unknown_package', 'Error: Impossible package selection: missing (zz, aa)', 422],
    ['build failed', 'build_failed', 'Error: Error while building firmware', 500],
  ])('%s: %s', async (_, kind, detail, status) => {
    const { request, name, hash, answer } = await failed(path, kind, detail, status);
    expect(answer.headers.get('x-unknown-package')).toBe(status === 422 ? 'aa, zz' : null);
    const body = await seedJson(answer);
    expect(body).toMatchObject({ error: detail, request_hash: name, log: `/json/${hash}/build.log` });
    const again = await post(request, path);
    expect([again.status, await seedJson(again)]).toEqual([status, body]);
    expect((await ask(body.log ?? '')).status).toBe(200);
  });

  test('unknown hash', async () => {
    const answer = await ask(`${path}/ffffffffffff`);
    expect(answer.status).toBe(404);
    expect(await seedJson(answer)).toMatchObject({ request_hash: 'ffffffffffff' });
    for (const hash of ['f'.repeat(64), 'FFFFFFFFFFFF', 'fff', '..%2f..', '__proto__', `${'f'.repeat(12)}%0a`]) {
      const one = await ask(`${path}/${hash}`);
      expect([hash, one.status]).toEqual([hash, 404]);
      await seedJson(one);
    }
    const polled = await post({ request_hash: 'ffffffffffff' }, path);
    expect([polled.status, (await seedJson(polled)).request_hash]).toEqual([404, 'ffffffffffff']);
  });

  test('a poll by POST is the poll by GET', async () => {
    const { name } = await built(path, { ...PC, packages: [unique()] });
    const [byGet, byPost] = [await ask(`${path}/${name}`), await post({ request_hash: name }, path)];
    expect([byPost.status, await seedJson(byPost)]).toEqual([200, await seedJson(byGet)]);
  });

  test('unknown package, known beforehand: nothing is built, and nothing is behind the hash', async () => {
    const answer = await post({ ...ROUTER, packages: ['zzz', 'curl', 'a-typo'] }, path);
    expect([answer.status, answer.headers.get('x-unknown-package')]).toEqual([422, 'a-typo, zzz']);
    const { request_hash, log } = await seedJson(answer);
    expect([request_hash, log]).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/), undefined]);
    expect((await ask(`${path}/${request_hash}`)).status).toBe(404);
  });

  test.each([
    ['distribution', { ...PC, distro: 'debian' }, 'unknown distribution debian'],
    ['version', { ...PC, version: '24.10.99' }, 'unknown version 24.10.99'],
    ['version of no branch', { ...PC, version: '18.06.2' }, 'unknown version 18.06.2'],
    ['target', { ...PC, target: 'x86/65' }, 'unknown target x86/65'],
    ['target of the split dialect', { ...PC_SPLIT, subtarget: '65' }, 'unknown target x86/65'],
    ['device', { ...ROUTER, board: 'nosuch' }, 'unknown device nosuch'],
    ['device of a model', { ...ROUTER, board: null, model: 'No Such' }, 'unknown device No Such'],
    ['device without any name', { ...ROUTER, board: '' }, 'unknown device (neither board nor model)'],
  ])('unknown %s', async (_, request, error) => {
    const answer = await post(request, path);
    expect([answer.status, await seedJson(answer)]).toMatchObject([412, { error }]);
  });

  test.each<[string, unknown, string]>([
    ['no JSON', '{', 'body: expected JSON'],
    ['nothing', '', 'body: expected JSON'],
    ['a list', [PC], 'body: expected a JSON object'],
    ['null', null, 'body: expected a JSON object'],
    ['no distro', { ...PC, distro: undefined }, 'distro: expected text'],
    ['no version', { ...PC, version: undefined }, 'version: expected text'],
    ['no target', { ...PC, target: undefined }, 'target: expected text'],
    ['a target without a subtarget', { ...PC, target: 'x86' }, 'target: expected target/subtarget'],
    ['two subtargets', { ...PC, subtarget: '64' }, 'subtarget: expected none'],
    ['a target that is a path', { ...PC, target: '../..' }, 'target: expected target/subtarget'],
    ['a subtarget that is a path', { ...PC_SPLIT, subtarget: '../x' }, 'target: expected target/subtarget'],
    ['a dict for a distro', { ...PC, distro: {} }, 'distro: expected text'],
    ['a list for a board', { ...PC, board: ['x'] }, 'board: expected text'],
    ['a board of two lines', { ...PC, board: 'a\nb' }, 'board: expected text without control characters'],
    ['a long model', { ...PC, model: 'x'.repeat(257) }, 'model: expected at most 256 characters'],
    ['a text for packages', { ...PC, packages: 'vim' }, 'packages: expected a list'],
    ['a number for packages', { ...PC, packages: 7 }, 'packages: expected a list'],
    ['a dict of lists', { ...PC, packages: { vim: [] } }, 'packages: expected a list'],
    ['a list of lists', { ...PC, packages: [['vim']] }, 'packages.0: expected the name of a package'],
    ['a list of dicts', { ...PC, packages: [{ vim: '9' }] }, 'packages.0: expected the name of a package'],
    ['an option for a package', { ...PC, packages: ['vim', '--force'] }, 'packages.1: expected a package name'],
    ['a file for a package', { ...PC, packages: ['x.ipk'] }, 'packages.0: expected a package name, not a package file'],
    ['a word for make', { ...PC, packages: ['$(reboot)'] }, 'packages.0: expected a package name'],
    ['a package of two lines', { ...PC, packages: ['vim\n'] }, 'packages.0: expected a package name'],
    ['a name in a dict', { ...PC, packages: { 'a b': '1' } }, 'packages.0: expected a package name'],
    ['10,000 packages', { ...PC, packages: new Array(10_000).fill('vim') }, 'packages: expected at most 1000'],
    ['a number for defaults', { ...PC, defaults: 5 }, 'defaults: expected text'],
    ['half a character in defaults', `${JSON.stringify(PC).slice(0, -1)},"defaults":"\\ud800"}`, 'defaults: expected'],
    ['a number for a hash', { request_hash: 5 }, 'request_hash: expected text'],
  ])('malformed: %s', async (_, body, error) => {
    const answer = await post(body, path);
    const told = await seedJson(answer);
    expect(answer.status).toBe(400);
    expect(told.error?.slice(0, error.length)).toBe(error);
  });

  test('a name that JavaScript knows is a name like any other', async () => {
    const body = `${JSON.stringify(PC).slice(0, -1)},"packages":{"__proto__":"1"}}`;
    expect((await post(body, path)).status).toBe(400);
    expect((await post({ ...ROUTER, packages: ['constructor'] }, path)).status).toBe(422);
  });

  test('a body that is too large', async () => {
    const answer = await post(' '.repeat(256 * 1024 + 1), path);
    expect([answer.status, (await seedJson(answer)).log]).toEqual([413, undefined]);
  });

  test('`defaults` over 10,240 bytes', async () => {
    const long = await post({ ...PC, defaults: 'é'.repeat(5_121) }, path);
    expect([long.status, (await seedJson(long)).error]).toEqual([
      420,
      'defaults: expected at most 10240 bytes, got 10242',
    ]);
    const isolate = openSeedIsolate({ MAX_DEFAULTS_LENGTH: '100' });
    const smaller = await isolate.post({ ...PC, defaults: 'x'.repeat(101) }, path);
    expect([smaller.status, (await seedJson(smaller)).error]).toEqual([
      420,
      'defaults: expected at most 100 bytes, got 101',
    ]);
  });

  test('`defaults` where the server does not allow them', async () => {
    const isolate = openSeedIsolate({ ALLOW_DEFAULTS: '0' });
    for (const defaults of ['x', 'x'.repeat(20_000)]) {
      const answer = await isolate.post({ ...PC, defaults }, path);
      expect([answer.status, (await seedJson(answer)).error]).toEqual([
        400,
        'Handling `defaults` not enabled on server',
      ]);
    }
  });

  test('the farm cannot accept more', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const isolate = openSeedIsolate();
    const full = { answers: [{ accepted: false, why: 'queue_full' }], others: [] };
    vi.spyOn(isolate.env.FOREMAN, 'get').mockReturnValue({ submit: async () => full } as never);
    const answer = await isolate.post({ ...PC, packages: [unique()] }, path);
    expect([answer.status, answer.headers.has('retry-after')]).toEqual([503, true]);
    await seedJson(answer);
    vi.restoreAllMocks();
    log.mockRestore();
  });

  test('upstream does not say what there is', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const answer = await post({ ...PC, target: 'x86/generic' }, path);
    expect([answer.status, answer.headers.has('retry-after')]).toEqual([503, true]);
    await seedJson(answer);
    log.mockRestore();
  });

  test('a flood', async () => {
    const isolate = openSeedIsolate({ BUILDS_LIMIT: undefined, MISSES_LIMIT: undefined, MISSES_PER_MINUTE: '1' });
    const headers = { 'cf-connecting-ip': '192.0.2.9' };
    const statuses: number[] = [];
    for (let n = 0; n < 3; n++) {
      const answer = await isolate.ask(`${path}/${sha256Hex(unique()).slice(0, 12)}`, { headers });
      statuses.push(answer.status);
      await seedJson(answer);
    }
    expect(statuses.at(-1)).toBe(503);
    const body = JSON.stringify({ ...PC, packages: [unique()] });
    const posted = await isolate.ask(path, { method: 'POST', body, headers });
    expect([posted.status, posted.headers.has('retry-after')]).toEqual([503, true]);
    await seedJson(posted);
  });

  test('other methods', async () => {
    for (const [method, one] of [
      ['GET', path],
      ['PUT', path],
      ['POST', `${path}/359a2afe0281`],
      ['DELETE', `${path}/359a2afe0281`],
    ] as const) {
      const answer = await ask(one, { method });
      expect([method, one, answer.status, answer.headers.has('allow')]).toEqual([method, one, 405, true]);
      await seedJson(answer);
    }
  });
});

describe('built, no sysupgrade image', () => {
  const factory = [{ name: 'x-squashfs-factory.bin', type: 'factory', filesystem: 'squashfs' }];

  test('upgrade-request: 501, with its files', async () => {
    const { name, hash, answer } = await built(ENDPOINTS[0], { ...PC, packages: [unique()] }, factory, 501);
    expect(await seedJson(answer)).toMatchObject({
      error: expect.any(String),
      files: `/json/${hash.slice(0, 32)}/`,
      log: `/json/${hash.slice(0, 32)}/build.log`,
      request_hash: name,
    });
  });

  test('build-request: 200, without sysupgrade', async () => {
    const { name, hash, answer } = await built(ENDPOINTS[1], { ...PC, packages: [unique()] }, factory);
    expect(await seedJson(answer)).toEqual({
      files: `/json/${hash.slice(0, 32)}/`,
      log: `/json/${hash.slice(0, 32)}/build.log`,
      request_hash: name,
      image_hash: hash.slice(0, 15),
    });
  });

  test.each([
    [ENDPOINTS[0], 501],
    [ENDPOINTS[1], 500],
  ])('%s: no image at all is %i', async (path, status) => {
    const { answer } = await failed(path, 'no_sysupgrade', 'Error: No image was built for this profile', status);
    expect(await seedJson(answer)).toMatchObject({ log: expect.any(String), request_hash: expect.any(String) });
  });
});

describe('one request', () => {
  it.each<[string, object, object]>([
    ['is the same without packages, whatever is written for that', { packages: [] }, { packages: '' }],
    ['is the same without packages, null or nothing', { packages: null }, {}],
    ['is the same with a dict for a list', { packages: ['vim', 'curl'] }, { packages: { curl: '8', vim: '9' } }],
    ['is the same in another order and twice', { packages: ['vim', 'curl'] }, { packages: ['curl', 'vim', 'vim'] }],
    ['is the same with a comma in its board', { board: 'tplink,archer-c7-v4' }, { board: 'tplink_archer-c7-v4' }],
  ])('%s', async (_, one, other) => {
    const hashes = [await post({ ...ROUTER, ...one }), await post({ ...ROUTER, ...other })].map(seedJson);
    const [first, second] = await Promise.all(hashes);
    expect(first?.request_hash).toMatch(/^[0-9a-f]{12}$/);
    expect(first).toEqual(second);
  });

  it.each([
    ['whatever the case of the distribution', { distro: 'OpenWRT' }],
    ['LEDE', { distro: 'LEDE' }],
    ['in the other dialect', { target: 'ath79', subtarget: 'generic' }],
    ['by a name among the supported devices', { board: 'archer-c7-v4' }],
    ['by the model, whatever its case', { board: 'nosuch', model: 'tp-link ARCHER c7 V4' }],
  ])('%s leads to the same build under another name', async (_, fields) => {
    const request = { ...ROUTER, packages: ['curl'] };
    const hashes: string[] = [];
    for (const one of [request, { ...request, ...fields }]) {
      const { request_hash } = await seedJson(await post(one));
      hashes.push(request_hash ?? '');
    }
    const rows = (await rowsOf(foremanStub(), 'names')).filter(({ name }) => hashes.includes(String(name)));
    expect([new Set(hashes).size, new Set(rows.map((row) => row.request_hash)).size]).toEqual([2, 1]);
  });

  it('by a board that was renamed since', async () => {
    const rows = async (board: string) => {
      const { request_hash } = await seedJson(await post({ ...ROUTER, board }));
      return (await rowsOf(foremanStub(), 'names')).find(({ name }) => name === request_hash)?.request_hash;
    };
    expect(await rows('nanostation-m')).toBe(await rows('ubnt-nano-m'));
  });

  it('names the whole list: a default that is not in it is removed', async () => {
    await post({ ...ROUTER, packages: ['base-files', 'vim'] });
    const requests = (await rowsOf(foremanStub(), 'builds')).map(({ request }) => JSON.parse(String(request)));
    expect(requests).toContainEqual(
      expect.objectContaining({ target: 'ath79/generic', addPackages: ['vim'], removePackages: ['dnsmasq'] }),
    );
  });
});

test('checks come in the order of the contract: the first that fails is told', async () => {
  const wrong = {
    distro: 'debian',
    version: '24.10.99',
    target: 'x86/65',
    defaults: 'x'.repeat(10_241),
    packages: ['zzz'],
    board: 'nosuch',
  };
  const seen: number[] = [];
  const errors: unknown[] = [];
  const right = { distro: 'openwrt', version: '24.10.2', target: 'ath79/generic', defaults: '', packages: ['vim'] };
  let request: object = wrong;
  for (const field of ['distro', 'version', 'target', 'defaults', 'packages', 'board'] as const) {
    const answer = await post(request);
    seen.push(answer.status);
    errors.push((await seedJson(answer)).error);
    request = { ...request, [field]: right[field as keyof typeof right] };
  }
  expect(seen).toEqual([412, 412, 412, 420, 422, 412]);
  expect(errors).toEqual([
    'unknown distribution debian',
    'unknown version 24.10.99',
    'unknown target x86/65',
    'defaults: expected at most 10240 bytes, got 10241',
    'Error: Impossible package selection: missing (zzz)',
    'unknown device nosuch',
  ]);
  expect((await post({ ...wrong, request_hash: 'ffffffffffff' })).status).toBe(404);
});
