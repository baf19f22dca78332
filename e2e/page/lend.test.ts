/** The page for those who lend a machine: what it tells to type is typed, and what it says of flags is asked of the program. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asu } from '../../farm/cli/asu-process.fixture.ts';
import { healthOf } from '../players/router.ts';
import { StackUnderTest, until } from '../stack-under-test.ts';
import { barriers, startBrowser, type Visit, visit } from './browser.ts';

const PROJECT = path.resolve(import.meta.dirname, '../..');

let stack: StackUnderTest;
let browser: Browser;

beforeAll(async () => {
  const variables = { CONTACT: 'Ada <ada@farm.example> & friends' };
  [stack, browser] = await Promise.all([StackUnderTest.start({ variables }), startBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

async function look(options: Parameters<typeof visit>[2] = {}): Promise<Visit> {
  const seen = await visit(browser, stack.url, options);
  await seen.page.goto('/lend');
  await seen.page.getByRole('heading', { level: 1, name: 'Lend a machine' }).waitFor();
  return seen;
}

test('its command, with a token, makes a machine of this server', async () => {
  const { page, context } = await look();
  const told = await page.locator('code').filter({ hasText: 'ASU_NODE_JOIN' }).textContent();
  const command = (told ?? '').replace('TOKEN', await stack.joinToken('somebody', 'volunteer'));
  expect(command).toContain(`--edge ${stack.url}`);
  const directory = await mkdtemp(path.join(tmpdir(), 'asu-lend-'));
  // As an alias would have it. The fence of this machine is not what this is about.
  const script = `asu() { exec "$NODE" "$PROJECT/farm/cli/main.ts" "$@"; }\n${command}`;
  const node = execa('sh', ['-c', script], {
    cwd: directory,
    env: { NODE: process.execPath, PROJECT, ASU_NODE_REQUIRE_SANDBOX: '0', ASU_NODE_NAME: 'lent' },
    reject: false,
    all: true,
  });
  try {
    const joined = until('it is there', async () => (await healthOf(stack.url)).parts.nodes.present === 1);
    const ended = node.then(({ all }) => Promise.reject(new Error(`it ended: ${all}`)));
    await Promise.race([joined, ended]);
    ended.catch(() => undefined);
  } finally {
    node.kill('SIGTERM');
    expect((await node).exitCode).toBe(0);
    // What the page says is to be removed.
    const removal = await page.locator('code').filter({ hasText: /^rm / }).textContent();
    await execa('sh', ['-ce', removal ?? ''], { cwd: directory });
    await rm(directory, { recursive: true, maxRetries: 5 });
  }
  await context.close();
});

test('every flag that it names is one', async () => {
  const { page, context } = await look();
  const flags = new Set((await page.locator('main').allTextContents()).join(' ').match(/--[a-z-]{3,}/g));
  const help = (await Promise.all(['node', 'doctor'].map((word) => asu([word, '--help'])))).map(({ stdout }) => stdout);
  // npx's own.
  flags.delete('--no-install');
  expect([...flags].filter((flag) => !help.some((text) => text.includes(flag)))).toEqual([]);
  expect(flags.size).toBeGreaterThan(4);
  await context.close();
});

test('who gives out tokens is told in the words of this server, as text', async () => {
  const { page, context, offences } = await look();
  await page.getByText('Ada <ada@farm.example> & friends').waitFor();
  expect(offences).toEqual([]);
  await context.close();
});

test('a command is copied by its button, and that is said', async () => {
  const { page, context } = await look({ permissions: ['clipboard-read', 'clipboard-write'] });
  await page.getByRole('button', { name: /^Copy: asu doctor/ }).click();
  await page.getByRole('status').filter({ hasText: 'Copied' }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`asu doctor --edge ${stack.url}`);
  await context.close();
});

test('where a browser gives no clipboard, as without TLS, the command is selected', async () => {
  const { page, context } = await visit(browser, stack.url);
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.goto('/lend');
  await page.getByRole('button', { name: /^Copy: asu doctor/ }).click();
  await page.getByRole('status').filter({ hasText: 'Selected' }).waitFor();
  expect(await page.evaluate(() => getSelection()?.toString())).toBe(`asu doctor --edge ${stack.url}`);
  await context.close();
});

test.each(['light', 'dark'] as const)('%s, on a phone: keeps nobody out', async (colorScheme) => {
  const { page, context, offences } = await look({ colorScheme, viewport: { width: 320, height: 640 } });
  expect([await barriers(page), offences, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([
    [],
    [],
    320,
  ]);
  await context.close();
});
