/**
 * What others wrote, shown to a reader: names of devices and packages, addresses, logs, errors, answers. None of it becomes an element,
 * none of it runs, and nothing of it breaks the page. How much the page weighs is here as well, since it is its own to keep small.
 */
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import { StackUnderTest } from '../stack-under-test.ts';
import { startBrowser, visit } from './browser.ts';
import { build, choice, DEVICE, deviceField, options, packageField } from './builder.ts';

let stack: StackUnderTest;
let browser: Browser;

const EVIL = [
  '<img src=x onerror="globalThis.hacked=1">',
  '<script>globalThis.hacked=1</script>',
  '"><svg/onload=globalThis.hacked=1>',
  "javascript:globalThis.hacked=1//'",
  '</textarea></details><iframe srcdoc="<script>top.hacked=1</script>"></iframe>',
  '{{constructor.constructor("globalThis.hacked=1")()}}',
  '\u202egpj.exe\u0000\u0007',
];
const HASH = 'a'.repeat(64);

beforeAll(async () => {
  [stack, browser] = await Promise.all([StackUnderTest.start(), startBrowser()]);
  const profiles = EVIL.map((title, n) => ({ id: `evil-${n}`, target: 'demo/generic', titles: [{ title }] }));
  const body = JSON.stringify({ release: '24.10.2', profiles });
  stack.mirrorServer.setFault((path) => (path === '/releases/24.10.2/.overview.json' ? { body } : undefined));
});
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

/** Nothing ran, and no element is there that the page does not make itself. */
async function isUnharmed(page: Page): Promise<void> {
  expect(await page.evaluate(() => 'hacked' in globalThis)).toBe(false);
  expect(await page.locator('#page :is(img, script, iframe, svg, object, embed, [onerror], [onload])').count()).toBe(0);
  expect(await page.locator('#page a[href]:not([href^="/"]):not([href="#content"])').count()).toBe(0);
}

test('titles of devices that a mirror made up', async () => {
  const { page, context, offences } = await visit(browser, stack.url);
  await page.goto('/?version=24.10.2');
  await deviceField(page).click();
  await expect.poll(() => options(page).count(), EVENTUALLY).toBe(EVIL.length);
  await isUnharmed(page);
  await page.keyboard.type('<img');
  await options(page).first().click();
  await expect.poll(() => deviceField(page).inputValue(), EVENTUALLY).toBe(EVIL[0]);
  await isUnharmed(page);
  expect(offences).toEqual([]);
  await context.close();
});

test('names of packages, typed and in the address', async () => {
  const { page, context, offences } = await visit(browser, stack.url);
  for (const evil of EVIL) {
    await page.goto(choice(evil));
    await page.getByText('is no name of a package').first().waitFor();
    await isUnharmed(page);
    await packageField(page).fill(evil);
    await page.keyboard.press('Enter');
    await isUnharmed(page);
    await build(page);
    await page.getByText('Some of these are no names of packages.').waitFor();
    expect(new URL(page.url()).pathname).toBe('/');
  }
  expect(offences).toEqual([]);
  await context.close();
});

test('any member of the address', async () => {
  const { page, context, offences } = await visit(browser, stack.url);
  const members = ['version', 'target', 'profile', 'packages', 'filesystem', 'rootfs_size_mb'];
  const device = ['target', 'profile'];
  for (const evil of [...EVIL, '__proto__', '../../x', 'a/__proto__', '\ud800', 'x'.repeat(5_000)])
    for (const own of [members, members.slice(1), members.filter((name) => !device.includes(name))]) {
      const query = new URLSearchParams({ version: '24.10.2', target: DEVICE.target, profile: DEVICE.profile });
      for (const name of own) query.set(name, evil);
      // As links within the page and the back button do it.
      if (own === members) await page.goto(`/?${query}`);
      else
        await page.evaluate((address) => {
          history.pushState(null, '', address);
          dispatchEvent(new PopStateEvent('popstate'));
        }, `/?${query}`);
      await deviceField(page).waitFor();
      await isUnharmed(page);
    }
  expect(offences).toEqual([]);
  await context.close();
});

const echo = { version: '24.10.2', target: DEVICE.target, profile: DEVICE.profile, packages: EVIL, filesystem: null };
const ended = {
  request: { ...echo, rootfs_size_mb: null },
  request_hash: HASH,
  enqueued_at: '2026-11-24T03:19:45.000000Z',
};

test('logs, and the words of a failure', async () => {
  const { page, context, offences } = await visit(browser, stack.url);
  const log = EVIL.join('\n');
  const body = {
    ...ended,
    status: 500,
    imagebuilder_status: 'failed',
    error_kind: 'toString',
    detail: log,
    stderr: log,
  };
  await page.route(`**/api/v1/build/${HASH}`, (route) => route.fulfill({ status: 500, json: body }));
  await page.goto(`/build/${HASH}`);
  await page.getByRole('heading', { name: 'The image could not be built' }).waitFor();
  await page.getByText('What make printed', { exact: true }).click();
  expect(await page.getByRole('textbox', { name: 'What make printed' }).inputValue()).toContain(EVIL[4]);
  await isUnharmed(page);
  await page.getByRole('link', { name: 'Change the selection' }).click();
  await page.getByText('is no name of a package').first().waitFor();
  await isUnharmed(page);
  expect(offences).toEqual([]);
  await context.close();
});

test('lines of a log as they come, and what a build waits for', async () => {
  const { page, context, offences } = await visit(browser, stack.url);
  const waits = { ...ended, status: 202, imagebuilder_status: 'queued', queue_position: 1, eta_seconds: 60 };
  const told = { ...waits, detail: EVIL.join(' ') };
  const events = [`event: state\ndata: ${JSON.stringify(told)}`, ...EVIL.map((evil) => `event: log\ndata: ${evil}`)];
  await page.route(`**/api/v1/build/${HASH}`, (route) => route.fulfill({ status: 202, json: told }));
  await page.route(`**/api/v1/build/${HASH}/events*`, (route) =>
    route.fulfill({ contentType: 'text/event-stream', body: `${events.join('\n\n')}\n\n` }),
  );
  await page.goto(`/build/${HASH}`);
  await page.getByText('Log of the build').click();
  const log = page.getByRole('textbox', { name: 'Log of the build' });
  await expect.poll(() => log.inputValue(), EVENTUALLY).toContain(EVIL[4]);
  await isUnharmed(page);
  expect(offences).toEqual([]);
  await context.close();
});

test('names of files and packages of an image, and what is signed of it', async () => {
  const { page, context, offences } = await visit(browser, stack.url);
  const images = EVIL.map((name) => ({
    name,
    type: name,
    filesystem: name,
    sha256: name,
    sha256_unsigned: name,
    size: 1,
  }));
  const manifest = Object.fromEntries(EVIL.map((name) => [name, name]));
  const body = { ...ended, status: 200, imagebuilder_status: 'done', bin_dir: HASH, images, manifest };
  const payloadOf = (json: unknown) => ({ payload: Buffer.from(JSON.stringify(json)).toString('base64') });
  const attesters = EVIL.map((id) => ({ id, tier: id, operator: id }));
  const definition = {
    internalParameters: { command: EVIL },
    resolvedDependencies: [
      { name: 'imagebuilder', uri: `https://x/${encodeURIComponent(EVIL[1] ?? '')}`, digest: { sha256: EVIL[0] } },
    ],
  };
  const provenance = {
    summary: payloadOf({ predicate: { asu_attesters: attesters } }),
    statements: [payloadOf({ predicate: { buildDefinition: definition } })],
  };
  await page.route(`**/api/v1/build/${HASH}`, (route) => route.fulfill({ json: body }));
  await page.route('**/provenance', (route) => route.fulfill({ json: provenance }));
  await page.goto(`/build/${HASH}`);
  await page.getByText('Packages in it').click();
  await page.getByText('Make the same image at home').click();
  await page.getByText(`Built by ${EVIL.length} independent operators`).waitFor();
  await isUnharmed(page);
  expect(offences).toEqual([]);
  await context.close();
});

test.each([
  ['a page of HTML', { contentType: 'text/html', body: '<h1>Welcome to the hotel</h1>' }],
  ['null', { json: null }],
  ['an array', { json: [] }],
  ['a number with status 500', { status: 500, json: 7 }],
])('an answer that is %s, and no build', async (_, answer) => {
  const { page, context, offences } = await visit(browser, stack.url);
  await page.route(`**/api/v1/build/${HASH}`, (route) => route.fulfill(answer));
  await page.goto(`/build/${HASH}`);
  await page.getByText('Something other than this server answered.').waitFor();
  await isUnharmed(page);
  expect(offences).toEqual([]);
  await context.close();
});

test('all scripts of the builder have less than 80 KB, as they are sent', async () => {
  const { page, context } = await visit(browser, stack.url);
  const scripts: Promise<Buffer>[] = [];
  page.on('response', (response) => {
    if (new URL(response.url()).pathname.endsWith('.js')) scripts.push(response.body());
  });
  await page.goto('/');
  await deviceField(page).waitFor();
  const sizes = (await Promise.all(scripts)).map((script) => gzipSync(script).length);
  expect(sizes.length).toBeGreaterThan(1);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(80_000);
  await context.close();
});
