/**
 * `npm run screenshots`: each view of the page as a picture in docs/screenshots, of the demo stack with a machine that built some
 * images, and a month that it did not live through (farm-scene.ts). The page must have been built: `npm run page`.
 */
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { freePort } from '../../farm/stack/free-port.ts';
import type { StackOptions } from '../../farm/stack/options.ts';
import { startStack } from '../../farm/stack/stack.ts';
import { startBrowser, visit } from './browser.ts';
import { build, ready } from './builder.ts';
import { busyMonth, changeForeman } from './farm-scene.ts';

const TARGET = path.resolve(import.meta.dirname, '../../docs/screenshots');
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const PATIENCE_MS = 120_000;

interface Shot {
  readonly name: string;
  readonly path: string;
  readonly scheme?: 'dark';
  readonly viewport?: typeof PHONE;
  /** Until it shows what it is there for. */
  readonly prepare?: (page: Page) => Promise<void>;
}

const BOARD = {
  kernel: '6.6.93',
  hostname: 'OpenWrt',
  model: 'Acme AX3000 v1',
  board_name: 'acme,ax3000-v1',
  rootfs_type: 'squashfs',
  release: { distribution: 'OpenWrt', version: '24.10.2', revision: 'r28739-d9340319c6', target: 'demo/generic' },
};
const INSTALLED = [
  'auc - 0.3.2',
  'dropbear - 2024.85',
  'luci - 24.170',
  'vim - 9.0',
  'wpad-basic-mbedtls - 2024.09',
].join('\n');

const charts = (page: Page): Promise<void> => page.locator('canvas').nth(1).waitFor();

async function check(page: Page): Promise<void> {
  await page.getByLabel('Answer of ubus call system board').fill(JSON.stringify(BOARD, null, '  '));
  await page.getByLabel('List of packages').fill(INSTALLED);
  await page.getByRole('button', { name: 'What is newer?' }).click();
  await page.getByRole('heading', { name: /is there$/ }).waitFor();
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
}

async function result(page: Page): Promise<void> {
  await build(page);
  await ready(page);
  await page.getByText('Make the same image at home').waitFor();
  await page.evaluate(() => scrollTo(0, 0));
}

const CHOICE = '/?version=24.10.2&target=demo/generic&profile=acme_ax3000-v1&packages=luci,vim,-ppp';

const SHOTS: readonly Shot[] = [
  { name: 'build', path: CHOICE },
  { name: 'build-dark', path: CHOICE, scheme: 'dark' },
  { name: 'build-phone', path: CHOICE, viewport: PHONE },
  { name: 'result', path: CHOICE, prepare: result },
  { name: 'check', path: '/check', prepare: check },
  { name: 'status', path: '/status', prepare: charts },
  { name: 'status-dark', path: '/status', scheme: 'dark', prepare: charts },
  { name: 'status-phone', path: '/status', scheme: 'dark', viewport: PHONE, prepare: charts },
  { name: 'lend', path: '/lend' },
];

const directory = await mkdtemp(path.join(os.tmpdir(), 'asu-screenshots-'));
const browser = await startBrowser();
try {
  await mkdir(TARGET, { recursive: true });
  const options: StackOptions = {
    stateDirectory: directory,
    keepsState: true,
    upstream: { kind: 'demo' },
    port: await freePort(),
    slots: 2,
    requiresSandbox: false,
    s3: null,
    set: { ALLOW_DEFAULTS: '1' },
  };
  await withStack(options, buildSome);
  await changeForeman(directory, (db) => busyMonth(db, Date.now()));
  await withStack(options, async (url) => {
    for (const shot of SHOTS) await take(browser, url, shot);
  });
} finally {
  await browser.close();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

async function withStack(options: StackOptions, work: (url: string) => Promise<void>): Promise<void> {
  const stack = await startStack(options, (line) => console.log(`  ${line}`));
  try {
    await work(stack.url);
  } finally {
    await stack.stop();
  }
}

/** One for each list of packages, and one that fails. */
async function buildSome(url: string): Promise<void> {
  const request = { version: '24.10.2', target: 'demo/generic', profile: 'acme_ax3000-v1' };
  const lists = [['luci'], ['luci', 'vim'], [], ['demo-badpostinst']];
  await Promise.all(lists.map((packages) => buildOne(url, { ...request, packages })));
}

async function buildOne(url: string, request: object): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  for (let status = 202; status === 202; await new Promise((resolve) => setTimeout(resolve, 500))) {
    if (Date.now() > end) throw new Error(`gave up waiting for ${JSON.stringify(request)}`);
    ({ status } = await fetch(`${url}/api/v1/build`, { method: 'POST', body: JSON.stringify(request) }));
  }
}

async function take(from: Browser, url: string, { name, path: view, scheme, viewport, prepare }: Shot): Promise<void> {
  const { page, context } = await visit(from, url, {
    colorScheme: scheme ?? 'light',
    viewport: viewport ?? DESK,
    deviceScaleFactor: 1,
    // What moves would be caught in the middle.
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(PATIENCE_MS);
  await page.goto(view);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await prepare?.(page);
  await page.waitForLoadState('networkidle');
  const file = path.join(TARGET, `${name}.png`);
  await page.screenshot({ path: file });
  console.log(`${path.relative(process.cwd(), file)}: ${Math.round((await stat(file)).size / 1024)} kB`);
  await context.close();
}
