/** The builder with a real browser, edge, node and mirror: from a name on a box to the bytes of an image, and all that can be chosen. */
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import { StackUnderTest } from '../stack-under-test.ts';
import { barriers, startBrowser, visit } from './browser.ts';
import { build, choice, DEVICE, deviceField, downloads, options, packageField, ready } from './builder.ts';

let stack: StackUnderTest;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([
    StackUnderTest.start({ variables: { ALLOW_DEFAULTS: '1', MAX_DEFAULTS_LENGTH: '100' } }),
    startBrowser(),
  ]);
  await stack.startNode('one');
});
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

const reader = (settings = {}) => visit(browser, stack.url, settings);

describe('from a device to an image', () => {
  test('by mouse: what is downloaded has the digests that are shown', async () => {
    const { page, context, offences } = await reader();
    await page.goto('/');
    await page.getByText('Choose a device, and its packages are shown here.').waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.getByLabel('Version').selectOption('24.10.2');
    await deviceField(page).fill('acme ax');
    await options(page).filter({ hasText: DEVICE.name }).click();
    await packageField(page).fill('nan');
    await options(page).first().click();
    await page.getByText('1 added').waitFor();
    expect(new URL(page.url()).search).toBe(
      '?version=24.10.2&target=demo/generic&profile=acme_ax3000-v1&packages=nano',
    );
    expect(await barriers(page)).toEqual([]);
    await build(page);
    await ready(page);
    await page.getByText('Built by 1 operator').waitFor();
    expect(await barriers(page)).toEqual([]);
    const files = await downloads(page);
    expect(files.map(({ name }) => name.split('squashfs-').at(-1))).toEqual(['sysupgrade.bin', 'factory.bin']);
    for (const { shown, fetched } of files) expect(fetched).toBe(shown);
    expect(offences).toEqual([]);
    await context.close();
  });

  test('by keyboard alone', async () => {
    const { page, context, offences } = await reader();
    const focused = () => page.evaluate(() => document.activeElement?.id ?? '');
    const { keyboard } = page;
    await page.goto('/');
    await deviceField(page).waitFor();
    for (let n = 0; n < 20 && (await focused()) !== 'device'; n += 1) await keyboard.press('Tab');
    await keyboard.type('umbra');
    await options(page).first().waitFor();
    await keyboard.press('Enter');
    await expect.poll(() => deviceField(page).inputValue(), EVENTUALLY).toBe('Umbra NX500');
    await keyboard.press('Tab');
    expect(await focused()).toBe('version');
    await keyboard.press('Tab');
    expect(await focused()).toBe('packages');
    await packageField(page).and(page.locator('[aria-busy=false]')).waitFor();
    await keyboard.type('vim');
    await keyboard.press('Enter');
    await page.getByText('1 added').waitFor();
    // One time too many asks for nothing.
    await keyboard.press('Enter');
    await keyboard.press('Escape');
    expect(new URL(page.url()).pathname).toBe('/');
    const tabTo = async (there: Locator): Promise<void> => {
      const isThere = () => there.evaluate((element) => element === document.activeElement);
      for (let n = 0; n < 60 && !(await isThere()); n += 1) await keyboard.press('Tab');
    };
    await tabTo(page.getByRole('button', { name: 'Build', exact: true }));
    await keyboard.press('Enter');
    await ready(page);
    await tabTo(page.getByRole('link', { name: /^Download .*sysupgrade/ }));
    const [download] = await Promise.all([page.waitForEvent('download'), keyboard.press('Enter')]);
    expect(download.suggestedFilename()).toMatch(/umbra_NX500-squashfs-sysupgrade\.bin$/);
    expect(offences).toEqual([]);
    await context.close();
  });

  test('its address shows it to somebody else, with the command that makes it again and the packages in it', async () => {
    const { page, context } = await reader();
    await page.goto(choice('nano'));
    await build(page);
    await ready(page);
    const other = await reader({ colorScheme: 'dark', viewport: { width: 320, height: 700 } });
    await other.page.goto(page.url());
    await ready(other.page);
    await other.page.getByText('Make the same image at home').click();
    await other.page.getByText('Packages in it').click();
    expect(await other.page.locator('.trust .command code').last().textContent()).toMatch(
      /\nmake image PROFILE=acme_ax3000-v1/,
    );
    await other.page.getByRole('row', { name: /^nano 8\.3-r1/ }).waitFor();
    expect(await other.page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
    expect([await barriers(other.page), other.offences]).toEqual([[], []]);
    await Promise.all([context.close(), other.context.close()]);
  });
});

describe('the field that finds devices', () => {
  test('is walked by arrows, Home and End, and closed by Escape, and what was found is said', async () => {
    const { page, context } = await reader();
    await page.goto('/');
    await deviceField(page).click();
    await expect.poll(() => options(page).count(), EVENTUALLY).toBe(4);
    const active = async () => {
      const id = await deviceField(page).getAttribute('aria-activedescendant');
      return id === null ? null : await page.locator(`#${id} span`).first().textContent();
    };
    const names = await options(page).locator('span:first-child').allTextContents();
    for (const [key, at] of [
      ['ArrowDown', 0],
      ['ArrowDown', 1],
      ['ArrowUp', 0],
      ['ArrowUp', 3],
      ['Home', 0],
      ['End', 3],
      ['ArrowDown', 0],
    ] as const) {
      await page.keyboard.press(key);
      expect([key, await active()]).toEqual([key, names[at]]);
    }
    await page.getByText('4 devices', { exact: true }).waitFor({ state: 'attached' });
    await page.keyboard.press('Escape');
    expect([await options(page).count(), await deviceField(page).getAttribute('aria-expanded')]).toEqual([0, 'false']);
    await page.keyboard.type('nosuch');
    await page.getByText('No device is called so.').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    expect(await deviceField(page).inputValue()).toBe('');
    await context.close();
  });

  test('finds one of 2,500 by words of its name, and one of 10,000 packages for it', async () => {
    const { page, context, offences } = await reader();
    const upstream = async (path: string) => (await fetch(`${stack.mirrorServer.url}${path}`)).json();
    const devicesPath = '/snapshots/.overview.json';
    const { profiles } = (await upstream(devicesPath)) as { profiles: object[] };
    const devices = Array.from({ length: 2500 - profiles.length }, (_, n) => ({
      id: `maker${n % 40}_router-${n}`,
      target: 'demo/generic',
      titles: [{ vendor: `Maker${n % 40}`, model: `Router ${n}`, variant: `v${n % 3}` }],
    }));
    const indexPath = '/snapshots/packages/demo_generic/packages/index.json';
    const index = (await upstream(indexPath)) as { packages: object };
    const packages = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`tool-${n}`, `1.${n}-r1`]));
    const bodies: Readonly<Record<string, string>> = {
      [devicesPath]: JSON.stringify({ release: 'SNAPSHOT', profiles: [...profiles, ...devices] }),
      [indexPath]: JSON.stringify({ ...index, packages: { ...index.packages, ...packages } }),
    };
    stack.mirrorServer.setFault((path) => (bodies[path] === undefined ? undefined : { body: bodies[path] }));
    await page.goto('/?version=SNAPSHOT');
    await deviceField(page).click();
    await page.getByText('2500 devices, the first 50 are shown').waitFor({ state: 'attached' });
    expect(await options(page).count()).toBe(50);
    await page.keyboard.type('router 1234 maker34');
    await expect
      .poll(() => options(page).allTextContents(), EVENTUALLY)
      .toEqual(['Maker34 Router 1234 v1 demo/generic']);
    await deviceField(page).fill('acme');
    await expect.poll(() => options(page).allTextContents(), EVENTUALLY).toEqual(['Acme AX3000 v1 demo/generic']);
    await page.keyboard.press('Enter');
    await packageField(page).and(page.locator('[aria-busy=false]')).waitFor();
    await packageField(page).fill('tool-');
    await page.getByText('10000 packages, the first 30 are shown').waitFor({ state: 'attached' });
    expect(await options(page).count()).toBe(30);
    await page.keyboard.type('7777');
    await expect.poll(() => options(page).allTextContents(), EVENTUALLY).toEqual(['tool-7777 1.7777-r1']);
    stack.mirrorServer.setFault(undefined);
    expect(offences).toEqual([]);
    await context.close();
  });
});

describe('what was chosen', () => {
  test('comes back with the back button, goes with the forward button, and stays after a reload', async () => {
    const { page, context } = await reader();
    await page.goto('/');
    await page.getByLabel('Version').selectOption('24.10.2');
    await deviceField(page).fill('umbra');
    await options(page).first().click();
    await packageField(page).fill('htop');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Remove htop' }).waitFor();
    await page.goBack();
    await page.getByText('None yet.').waitFor();
    expect(await deviceField(page).inputValue()).toBe('Umbra NX500');
    await page.goBack();
    await expect.poll(() => deviceField(page).inputValue(), EVENTUALLY).toBe('');
    await page.goForward();
    await page.goForward();
    await page.getByRole('button', { name: 'Remove htop' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Remove htop' }).waitFor();
    expect(await page.getByLabel('Version').inputValue()).toBe('24.10.2');
    await context.close();
  });

  test('tells before the build what is renamed, gone, unknown or there anyway; what is there can be removed and kept', async () => {
    const { page, context, offences } = await reader();
    await page.goto(choice('auc kmod-nft-nat6 nosuch dnsmasq -nano not/a/name nano'));
    const chip = (name: string) => page.locator('.chip', { has: page.getByText(name, { exact: true }) }).first();
    await chip('nosuch').getByText('is in no list of this version').waitFor();
    await chip('kmod-nft-nat6').getByText('does not exist any more').waitFor();
    await page.getByText('On the device anyway, so nobody needs to add it: dnsmasq').waitFor();
    await chip('-nano').getByText('there is nothing to remove').waitFor();
    await chip('nano').getByText('8.3-r1').waitFor();
    await page.getByRole('button', { name: 'Take it off the list' }).click();
    expect(new URL(page.url()).searchParams.get('packages')).not.toContain('dnsmasq');
    await chip('auc').getByRole('button', { name: 'Use owut' }).click();
    await chip('owut').getByText('2025.02.05').waitFor();
    await build(page);
    await page.getByText('Some of these are no names of packages.').waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('packages');
    expect(await barriers(page)).toEqual([]);
    await page.getByText('On the device anyway (33)').click();
    await page.getByRole('button', { name: 'Remove ppp', exact: true }).click();
    expect(new URL(page.url()).searchParams.get('packages')).toMatch(/,-ppp$/);
    await page.getByRole('heading', { name: 'Removed by you' }).waitFor();
    await page.getByRole('button', { name: 'Keep ppp', exact: true }).last().click();
    expect(new URL(page.url()).searchParams.get('packages')).not.toMatch(/,-ppp$/);
    expect(offences).toEqual([]);
    await context.close();
  });

  test('several names can be pasted at once', async () => {
    const { page, context } = await reader();
    await page.goto(choice());
    await packageField(page).fill('nano, htop\tvim +tmux');
    await page.keyboard.press('Enter');
    await page.getByText('4 added').waitFor();
    expect(new URL(page.url()).searchParams.get('packages')).toBe('nano,htop,vim,tmux');
    await context.close();
  });

  test('may be another file system, where there are several, and a size within the limits', async () => {
    const { page, context } = await reader();
    await page.goto('/?version=24.10.2&target=demo64/generic&profile=generic');
    await page.getByText('More options').click();
    await page.getByLabel('File system', { exact: true }).selectOption('ext4');
    const size = page.getByLabel('Size of the root file system');
    await size.fill('5000');
    await build(page);
    await page.getByText('Write a whole number from 1 to 1024, or nothing.').waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('rootfs');
    await size.fill('64');
    await page.getByText('Write a whole number').waitFor({ state: 'detached' });
    await build(page);
    await ready(page);
    const names = (await downloads(page)).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(name).toContain('ext4');
    await page.getByRole('link', { name: 'Change the selection' }).click();
    await expect.poll(() => size.inputValue(), EVENTUALLY).toBe('64');
    await context.close();
  });

  test('a first-boot script is counted, kept out of addresses, and told to be in the image', async () => {
    const { page, context, offences } = await reader();
    await page.goto(choice('tmux'));
    await page.getByText('More options').click();
    const script = page.getByLabel('First-boot script');
    await script.fill('é'.repeat(51));
    await page.getByText('102 of 100 bytes').waitFor();
    await build(page);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('script');
    await script.fill('echo secret-word > /etc/banner');
    await page.getByText('30 of 100 bytes').waitFor();
    await build(page);
    await ready(page);
    await page.getByText('This image holds a first-boot script.').waitFor();
    expect(await page.content()).not.toContain('secret-word');
    const addresses = await page.evaluate(() => [
      location.href,
      JSON.stringify([localStorage, sessionStorage, history.state]),
    ]);
    expect(addresses.join()).not.toContain('secret-word');
    await page.getByRole('link', { name: 'Change the selection' }).click();
    await expect.poll(() => script.inputValue(), EVENTUALLY).toBe('echo secret-word > /etc/banner');
    await page.reload();
    await deviceField(page).waitFor();
    expect(await page.content()).not.toContain('secret-word');
    expect(offences).toEqual([]);
    await context.close();
  });
});

describe('what cannot be built is told in plain words', () => {
  test('a package that exists nowhere: at once, beside the field, with the focus in it', async () => {
    const { page, context } = await reader();
    await page.goto(choice('no-such-package'));
    await build(page);
    const alert = page.getByRole('alert');
    await alert.getByText('A package does not exist in this version.').waitFor();
    await alert.getByText('missing (no-such-package)').waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('packages');
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('button', { name: 'Remove no-such-package' }).click();
    await alert.waitFor({ state: 'detached' });
    await context.close();
  });

  test.each([
    ['that exclude each other', choice('demo-conflict-a demo-conflict-b'), 'Some of the packages exclude each other.'],
    ['that are too big', choice('demo-huge', '24.10.2', '3oaks_pocket2'), 'The packages do not fit into the memory'],
    ['of which one is broken', choice('demo-badpostinst'), 'Making the image failed.'],
  ])('packages %s', async (_, address, words) => {
    const { page, context, offences } = await reader();
    await page.goto(address);
    await build(page);
    await page.getByRole('heading', { name: 'The image could not be built' }).waitFor({ timeout: 120_000 });
    await page.getByText(words).waitFor();
    expect(new URL(page.url()).pathname).toMatch(/^\/build\/[0-9a-f]{64}$/);
    await page.getByText('What make printed', { exact: true }).click();
    expect(await page.getByLabel('What make printed').inputValue()).toContain('demo-');
    expect([await barriers(page), offences]).toEqual([[], []]);
    await page.getByRole('link', { name: 'Change the selection' }).click();
    await page.getByRole('heading', { name: 'Added by you' }).waitFor();
    await context.close();
  });

  test('a device and a version that are not there, and a build that nobody knows', async () => {
    const { page, context } = await reader();
    await page.goto(choice('', '24.10.2', 'nosuch_device'));
    await page.getByText('24.10.2 has no device “nosuch_device”.').waitFor();
    await page.goto(choice('', '19.07.1'));
    await page.getByText('This server does not offer version “19.07.1”.').waitFor();
    await page.goto(`/build/${'f'.repeat(64)}`);
    await page.getByText('No such build is known here.').waitFor();
    expect(await barriers(page)).toEqual([]);
    await context.close();
  });
});
