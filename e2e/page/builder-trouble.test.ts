/** The builder while things go wrong around it: a reload in the middle, a server that is away, a network that is, events that do not come. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StackUnderTest } from '../stack-under-test.ts';
import { barriers, startBrowser, visit } from './browser.ts';
import { build, choice, ready } from './builder.ts';

let stack: StackUnderTest;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([StackUnderTest.start({ delaySeconds: 2 }), startBrowser()]);
  await stack.startNode('one');
});
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

const AWAY = 'The server does not answer.';

test('a build is shown step by step with its log, and a reload in the middle finds it again', async () => {
  const { page, context, offences } = await visit(browser, stack.url);
  await page.goto(choice('nano'));
  await build(page);
  const step = page.locator('.steps [aria-current=step]');
  await step.getByText('Making the image').waitFor();
  const address = page.url();
  expect(await barriers(page)).toEqual([]);
  await page.reload();
  await step.getByText('Making the image').waitFor();
  await page.getByText('Log of the build').click();
  const log = page.getByRole('textbox', { name: 'Log of the build' });
  await expect.poll(() => log.inputValue(), { timeout: 60_000 }).toContain('nano');
  await ready(page);
  expect(page.url()).toBe(address);
  const lines = (await log.inputValue()).split('\n').filter((line) => /(Installing|Configuring) nano/.test(line));
  expect(new Set(lines).size).toBe(lines.length);
  expect(offences).toEqual([]);
  await context.close();
});

test('while the server is away a build says so, and goes on when it is back', async () => {
  const { page, context, offences } = await visit(browser, stack.url);
  await page.goto(choice('htop'));
  await build(page);
  await page.locator('.steps').waitFor();
  await stack.killEdge();
  await page.getByText(AWAY).waitFor({ timeout: 60_000 });
  expect(await barriers(page)).toEqual([]);
  await stack.startEdge();
  await page.getByText(AWAY).waitFor({ state: 'detached', timeout: 60_000 });
  await ready(page);
  expect(offences).toEqual([]);
  await context.close();
});

test('a request waits for the network, can be stopped meanwhile, and is made as soon as it is back', async () => {
  const { page, context } = await visit(browser, stack.url);
  await page.goto(choice('tmux'));
  await page.getByText('1 added').waitFor();
  await context.setOffline(true);
  await build(page);
  await page.getByText(AWAY).waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByText(AWAY).waitFor({ state: 'detached' });
  await build(page);
  await page.getByText(AWAY).waitFor();
  await context.setOffline(false);
  await page.waitForURL('**/build/*');
  await ready(page);
  await context.close();
});

test('where events do not come through it asks instead', async () => {
  const { page, context, offences } = await visit(browser, stack.url);
  await page.route('**/events*', (route) => route.fulfill({ status: 502, body: 'no' }));
  const polls: string[] = [];
  page.on('request', (request) => {
    if (/\/api\/v1\/build\/[0-9a-f]{64}$/.test(request.url())) polls.push(request.url());
  });
  await page.goto(choice('curl'));
  await build(page);
  await ready(page);
  expect(polls.length).toBeGreaterThan(1);
  expect(offences).toEqual([]);
  await context.close();
});
