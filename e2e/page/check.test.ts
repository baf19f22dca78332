/** The check of upgrades: from what somebody pastes to the builder's address. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { choiceOf } from '../../edge/web/choice.ts';
import { StackUnderTest } from '../stack-under-test.ts';
import { barriers, startBrowser, visit } from './browser.ts';
import { HOSTILE_TEXTS, wasObeyed } from './hostile-text.ts';

let stack: StackUnderTest;
let browser: Browser;
let page: Page;
let context: BrowserContext;
let offences: readonly string[];

beforeAll(async () => {
  [stack, browser] = await Promise.all([StackUnderTest.start(), startBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});
beforeEach(async () => {
  ({ page, context, offences } = await visit(browser, stack.url));
  await page.goto('/check');
  await page.getByRole('heading', { level: 1, name: 'Check for upgrades' }).waitFor();
});
afterEach(async () => {
  expect([await wasObeyed(page), offences]).toEqual([false, []]);
  await context.close();
});

const RELEASE = { distribution: 'OpenWrt', version: '24.10.2', revision: 'r28739-d9340319c6', target: 'demo/generic' };
const BOARD = { kernel: '6.6.93', model: 'Acme AX3000 v1', board_name: 'acme,ax3000-v1', rootfs_type: 'squashfs' };
const board = (more: object = {}, release: object = {}): string =>
  JSON.stringify({ ...BOARD, ...more, release: { ...RELEASE, ...release } }, null, '\t');
const OPKG = 'auc - 0.3.2-1\nlibubox20230523 - 2023.05.23-1\nluci - 24.1\nvim - 9.0-1\n';

const boardField = () => page.getByLabel('Answer of ubus call system board');
const listField = () => page.getByLabel('List of packages (optional)');
const ask = () => page.getByRole('button', { name: 'What is newer?' }).click();
const heading = (name: string | RegExp) => page.getByRole('heading', { level: 2, name }).waitFor();
const selection = async () => {
  const href = await page.getByRole('link', { name: 'Choose this image' }).getAttribute('href');
  return choiceOf(new URL(href ?? '', stack.url).searchParams);
};

async function paste(boardText: string, list = ''): Promise<void> {
  await boardField().fill(boardText);
  await listField().fill(list);
}

test('by keyboard alone: what a router says leads to its new image, and back again to what was found', async () => {
  await page.getByRole('link', { name: 'Skip to the content' }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  expect(await page.locator(':focus').getAttribute('aria-label')).toBe('Copy: ubus call system board');
  await page.keyboard.press('Tab');
  await page.keyboard.insertText(`root@OpenWrt:~# ubus call system board\n${board()}\nroot@OpenWrt:~# `);
  await page.getByText('Acme AX3000 v1, OpenWrt 24.10.2, demo/generic').waitFor();
  for (let stop = 0; stop < 3; stop++) await page.keyboard.press('Tab');
  await page.keyboard.insertText(OPKG);
  await page.getByText('4 packages', { exact: true }).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await heading('25.12.1 is there');
  await page.getByRole('row', { name: 'auc owut' }).waitFor();
  await page.keyboard.press('Tab');
  expect(await page.locator(':focus').textContent()).toBe('Choose this image');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Build an image' }).waitFor();
  const address = new URL(page.url());
  expect([address.pathname, choiceOf(address.searchParams)]).toEqual([
    '/',
    {
      version: '25.12.1',
      device: { target: 'demo/generic', profile: 'acme_ax3000-v1' },
      packages: ['libubox', 'luci', 'owut', 'vim'],
      fileSystem: null,
      rootfsMb: '',
    },
  ]);
  await page.goBack();
  await heading('25.12.1 is there');
  expect(await listField().inputValue()).toBe(OPKG);
  await page.getByText(/^\d packages get newer$/).click();
  await page.getByRole('row', { name: /^vim 9\.0-1 \d\S+$/ }).waitFor();
});

test('defaults that the router is without are left out of the image as well, and named', async () => {
  const without = ['odhcpd-ipv6only', 'ppp', 'ppp-mod-pppoe'];
  const device = await fetch(`${stack.url}/json/v1/releases/24.10.2/targets/demo/generic/acme_ax3000-v1.json`);
  const { default_packages: ofTarget, device_packages: ofDevice } = (await device.json()) as Record<string, string[]>;
  const names = [...(ofTarget ?? []), ...(ofDevice ?? []), 'vim'];
  const installed = names.filter((name) => !name.startsWith('-') && !without.includes(name));
  await paste(board(), installed.map((name) => `${name} - 1\n`).join(''));
  await ask();
  await heading('25.12.1 is there');
  await page.getByRole('heading', { level: 3, name: 'Left out, as on your router' }).waitFor();
  const { packages } = await selection();
  expect(packages.filter((word) => word.startsWith('-'))).toEqual(without.map((name) => `-${name}`));
  expect(packages).toContain('vim');
  await page.getByRole('link', { name: 'Choose this image' }).click();
  await page.getByRole('heading', { level: 1, name: 'Build an image' }).waitFor();
  await page.getByText('3 removed').waitFor();
});

test('a list of apk is read as well; of the newest version newer packages are told', async () => {
  await paste(
    board({}, { version: '25.12.1', revision: 'r32768-0' }),
    'vim-9.0-r1 demo_generic {vim} (Vim) [installed]\n',
  );
  await ask();
  await heading('Newer packages: 1');
  expect(await selection()).toMatchObject({ version: '25.12.1', packages: ['vim'] });
});

test('without a list versions are compared, and the image is the one that the device has by default', async () => {
  await paste(board());
  await ask();
  await heading('25.12.1 is there');
  expect(await selection()).toMatchObject({ version: '25.12.1', packages: [] });
  await paste(board({}, { version: '25.12.1' }));
  await ask();
  await heading('Nothing is newer');
});

test('a PC with any name, and a file system of its own, gets these again', async () => {
  await paste(board({ board_name: 'qemu-standard-pc', rootfs_type: 'ext4' }, { target: 'demo64/generic' }));
  await ask();
  await heading('25.12.1 is there');
  expect(await selection()).toMatchObject({
    device: { target: 'demo64/generic', profile: 'generic' },
    fileSystem: 'ext4',
  });
});

test('a board that the server does not know is told, and the rest of the choice is kept', async () => {
  await paste(board({ board_name: 'nobody,nothing' }), OPKG);
  await ask();
  await page.getByText('The server knows no image of this version for “nobody,nothing”.').waitFor();
  expect(await selection()).toMatchObject({ version: '25.12.1', device: null });
});

test('packages that nobody knows are named, and can be left out, all of them after the other', async () => {
  await paste(board(), `${OPKG}my-own - 1\nyours - 2\n`);
  await ask();
  await heading('Unknown packages');
  expect(await page.locator('.results li').allTextContents()).toEqual(['my-own', 'yours']);
  await page.getByRole('button', { name: 'Go on without them' }).click();
  await heading('25.12.1 is there');
  expect((await selection()).packages).not.toContain('my-own');
});

test('a target, a version and a distribution that the server does not know are told in its words', async () => {
  const cases = [
    [{ target: 'moon/base' }, 'unknown target moon/base'],
    [{ version: '1.0' }, 'unknown version 1.0'],
    [{ distribution: 'Plan9' }, 'unknown distribution'],
  ] as const;
  for (const [release, told] of cases) {
    await paste(board({}, release));
    await ask();
    await heading('That could not be found out');
    await page.locator('.results').getByText(told).waitFor();
  }
});

test('a board that is none is told beside its field, which is where one is led, and nobody is asked', async () => {
  const cases: readonly (readonly [text: string, told: RegExp])[] = [
    ['', /^Paste the answer of “ubus call system board” first\.$/],
    ['hello', /^This is not what “ubus call system board” prints: that begins with \{/],
    [board().slice(0, 150), /^This is not what “ubus call system board” prints: that begins with \{/],
    ['<!doctype html><style>{}</style>', /“board_name” is missing in it/],
    [`{${'x'.repeat(70_000)}}`, /^This is longer than 65,536 characters/],
    ...HOSTILE_TEXTS.map((text): [string, RegExp] => [text, /^This is not what/]),
  ];
  let asked = 0;
  page.on('request', (request) => {
    asked += Number(request.method() === 'POST');
  });
  for (const [text, told] of cases) {
    await boardField().fill(text);
    await ask();
    await page.getByText(told).waitFor();
    expect(await boardField().getAttribute('aria-invalid')).toBe('true');
    expect(await boardField().evaluate((field) => field === document.activeElement)).toBe(true);
  }
  expect([asked, await barriers(page)]).toEqual([0, []]);
});

test('a list that is none is told by its line, and nobody is asked', async () => {
  const cases: readonly (readonly [text: string, told: RegExp])[] = [
    ['PID USER COMMAND\n1 root procd\n', /^line 1: expected opkg list-installed, apk list --installed/],
    [`${OPKG}<b>\n`, /^line 5: expected NAME - VERSION as opkg list-installed prints it, got "<b>"$/],
    [
      Array.from({ length: 1001 }, (_, n) => `p${n} - 1\n`).join(''),
      /^An image can have at most 1,000 packages, and these are 1,001\.$/,
    ],
    ['x'.repeat(2_097_153), /^This is longer than 2,097,152 characters/],
    ...HOSTILE_TEXTS.map((text): [string, RegExp] => [text, /expected (opkg list-installed|JSON)/]),
  ];
  let asked = 0;
  page.on('request', (request) => {
    asked += Number(request.method() === 'POST');
  });
  await boardField().fill(board());
  for (const [text, told] of cases) {
    // As a paste does; typing two megabytes would take a while.
    await listField().evaluate((field, value) => {
      (field as HTMLTextAreaElement).value = value;
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }, text);
    await page.getByText(told).waitFor();
    await ask();
    expect(await listField().evaluate((field) => field === document.activeElement)).toBe(true);
    expect(await listField().getAttribute('aria-invalid')).toBe('true');
  }
  expect(asked).toBe(0);
});

test('a server that is away is told, and asked once more when somebody says so; nothing pasted is lost', async () => {
  await paste(board(), OPKG);
  await context.setOffline(true);
  await ask();
  await page.getByText('The server does not answer. Nothing is lost here').waitFor();
  await context.setOffline(false);
  await page.getByRole('button', { name: 'Try again' }).click();
  await heading('25.12.1 is there');
});

test('something else in the place of an answer is told', async () => {
  const cases: readonly (readonly [
    answer: { readonly status?: number; readonly json?: unknown; readonly body?: string },
    told: RegExp,
  ])[] = [
    [{ body: '<h1>Log in</h1>' }, /^Something other than this server answered/],
    [{ json: { packages: [{}] } }, /^Something other than this server answered/],
    [{ status: 500, json: [] }, /^The server answered with an error \(500\)\.$/],
    [{ status: 503, json: { detail: '<b>upstream</b> is away' } }, /^<b>upstream<\/b> is away$/],
  ];
  await paste(board());
  for (const [answer, told] of cases) {
    await page.route('**/api/upgrade-check', (route) => route.fulfill(answer), { times: 1 });
    await ask();
    await page.getByText(told).waitFor();
    await boardField().fill(board());
  }
});

test('whatever a server calls versions and packages is text, and the builder gets none of it', async () => {
  const [version, ...names] = HOSTILE_TEXTS;
  const upgrades = Object.fromEntries(names.map((name) => [name, [name, name]]));
  await page.route('**/api/upgrade-check', (route) =>
    route.fulfill({ json: { version, packages: names, upgrades, dropped: names } }),
  );
  await paste(board({ model: version }), OPKG);
  await ask();
  await heading(`${version} is there`);
  await page.getByText(`${names.length} packages get newer`).click();
  expect(await selection()).toMatchObject({ version: null, packages: [] });
  expect(await wasObeyed(page)).toBe(false);
});

test('on a phone, in light and dark, with all that there is to say: keeps nobody out, and is not wider than the phone', async () => {
  await page.setViewportSize({ width: 320, height: 640 });
  await paste(board({ board_name: 'nobody,nothing' }), `${OPKG}px5g - 1\nip6tables - 1\n`);
  await ask();
  await heading('25.12.1 is there');
  for (const closed of await page.locator('details > summary').all()) await closed.click();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect([await barriers(page), await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([[], 320]);
  }
});
