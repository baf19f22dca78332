/**
 * Today's clients when they do not get an image: what a user reads, and that nobody is left waiting for what will not come.
 * auc shows the server's words for 500 alone, and LuCI goes on asking after what it does not know; both are theirs.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Auc } from './clients/auc.ts';
import { FirmwareSelector } from './clients/firmware-selector.ts';
import { Luci } from './clients/luci.ts';
import { Owut } from './clients/owut.ts';
import type { RouterState } from './clients/router-state.ts';
import { REQUEST } from './players/router.ts';
import { type NodeUnderTest, StackUnderTest, until } from './stack-under-test.ts';

const pollMs = 100;
const UNKNOWN_HASH = '0'.repeat(64);
const router: RouterState = {
  boardName: 'acme,ax3000-v1',
  target: 'demo/generic',
  version: '24.10.2',
  revision: 'r28739-0000000000',
  rootfsType: 'squashfs',
  installed: {},
  topLevel: [],
};

let stack: StackUnderTest;
let node: NodeUnderTest;

beforeAll(async () => {
  stack = await StackUnderTest.start();
  node = await stack.startNode('one');
});
afterAll(() => stack?.close());
afterEach(() => stack.mirrorServer.setFault(undefined));

const owut = () => new Owut(stack.url, router, { pollMs });
const auc = () => new Auc(stack.url, router, { pollMs });
const luci = () => new Luci(stack.url, router, { pollMs, maxIgnored: 3 });
const selector = () => new FirmwareSelector({ asuUrl: stack.url, imageUrl: stack.mirrorServer.url, pollMs });

const refusals = [
  ['a profile that never existed', { profile: 'acme_none' }, 400, /^Unsupported profile: acme_none\. The requested/],
  ['a target that was dropped', { target: 'gone/generic' }, 400, /^Unsupported target: gone\/generic\. The requested/],
  ['a branch of long ago', { version: '17.01.7' }, 400, /^Unsupported branch: 17\.01\.7/],
  ['a name that make would expand', { packages: ['$(reboot)'] }, 422, /^packages\.0: expected a package name/],
  ['a package that nobody has', { packages: ['no-such-package'] }, 500, /missing \(no-such-package\)/],
  [
    'two packages that exclude each other',
    { version: '25.12.1', packages: ['demo-conflict-a', 'demo-conflict-b'] },
    500,
    /^Error: Impossible package selection/,
  ],
  [
    'more than fits',
    { profile: '3oaks_pocket2', packages: ['demo-huge'] },
    500,
    /^Error: Selected packages exceed device storage/,
  ],
  [
    'a revision that has moved',
    { version_code: 'r1-aaaaaaaaaa' },
    500,
    /^Error: Received incorrect version r\d+-\w+ \(requested r1-aaaaaaaaaa\)/,
  ],
] as const;

describe.each(refusals)('%s', (_, wrong, status, words) => {
  const body = { ...REQUEST, diff_packages: false, ...wrong };

  test('owut, LuCI and firmware-selector show why', async () => {
    const shown = { kind: 'shown', message: expect.stringMatching(words) };
    await expect(owut().request(body)).rejects.toMatchObject(shown);
    await expect(luci().request(body)).rejects.toMatchObject(shown);
    await expect(selector().request(body)).rejects.toMatchObject(shown);
  });

  test(`auc ends${status === 500 ? ' and shows why' : ', as with every other server, without the words'}`, async () => {
    const expected = status === 500 ? { message: expect.stringMatching(new RegExp(words.source, 'm')) } : {};
    await expect(auc().request(body)).rejects.toMatchObject({ kind: 'shown', ...expected });
  });
});

describe('a poll for what the server knows nothing of', () => {
  test('is told so by owut', async () => {
    expect(await owut().poll(UNKNOWN_HASH)).toMatchObject({
      status: 404,
      detail: 'could not find provided request hash',
    });
  });
});

describe('a mirror that is down before anything is known of a target', () => {
  const body = { version: '25.12.1', target: 'demo64/generic', profile: 'generic', packages: ['htop'] };

  test('owut and firmware-selector say whose fault it is, auc ends', async () => {
    stack.mirrorServer.setFault(() => ({ status: 503 }));
    const shown = { kind: 'shown', message: expect.stringMatching(/upstream mirror.*not a fault of your request/) };
    await expect(owut().request(body)).rejects.toMatchObject(shown);
    await expect(selector().request(body)).rejects.toMatchObject(shown);
    await expect(auc().request(body)).rejects.toMatchObject({ kind: 'shown', message: 'Bad message' });
  });

  test('LuCI goes on asking, and has its image when the mirror is well', async () => {
    stack.mirrorServer.setFault(() => ({ status: 503 }));
    const pc = new Luci(
      stack.url,
      { ...router, target: 'demo64/generic', rootfsType: 'ext4' },
      { pollMs, maxIgnored: 1000 },
    );
    const build = pc.request(body);
    await until('it was refused', () => pc.browser.asked.filter((line) => line.startsWith('POST')).length > 2);
    stack.mirrorServer.setFault(undefined);
    expect((await build).response).toMatchObject({ status: 200, detail: 'done' });
  });
});

describe('while no node is there', () => {
  test('all four wait in the queue, and all have their images when one comes', async () => {
    await node.stop();
    const body = (name: string) => ({ ...REQUEST, packages: ['luci', name], diff_packages: false });
    const waiting = { owut: owut(), auc: auc(), luci: luci(), selector: selector() };
    const images = Promise.all([
      waiting.owut.request(body('nano')),
      waiting.auc.request(body('curl')),
      waiting.luci.request(body('vim')),
      waiting.selector.request(body('tmux')),
    ]);
    const polls = (asked: readonly string[]) =>
      asked.filter((line) => /(?:HEAD|GET) \/api\/v1\/build\//.test(line)).length;
    await until('each has polled thrice', () =>
      [waiting.owut.wire, waiting.auc.wire, waiting.luci.browser, waiting.selector.browser].every(
        ({ asked }) => polls(asked) >= 3,
      ),
    );
    await node.restart();
    const [ofOwut, ofAuc, ofLuci, ofSelector] = await images;
    expect(ofOwut.shown[0]).toBe('queued');
    expect(ofAuc.queuePositions.length).toBeGreaterThan(0);
    expect(ofLuci.shown[0]).toMatch(/^queued \d$/);
    expect(ofSelector.shown[0]).toBe('queued');
    expect(ofSelector.images.length).toBeGreaterThan(0);
  });
});
