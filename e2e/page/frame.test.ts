/** The page's frame: its views, links, and what all of them owe their readers. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StackUnderTest } from '../stack-under-test.ts';
import { barriers, startBrowser, visit } from './browser.ts';

let stack: StackUnderTest;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([StackUnderTest.start(), startBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

const VIEWS = [
  ['/', 'Build an image'],
  ['/check', 'Check for upgrades'],
  ['/status', 'Status'],
  ['/lend', 'Lend a machine'],
] as const;

describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
  test.each(VIEWS)('%s: has a heading, keeps nobody out, asks nobody else', async (path, heading) => {
    const { page, context, offences } = await visit(browser, stack.url, { colorScheme });
    await page.goto(path);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    expect(await barriers(page)).toEqual([]);
    expect(offences).toEqual([]);
    expect(await page.title()).toContain(heading);
    await context.close();
  });
});

test('links are followed without loading the page anew, and the back button leads back', async () => {
  const { page, context, offences } = await visit(browser, stack.url);
  let loads = 0;
  page.on('load', () => {
    loads += 1;
  });
  await page.goto('/');
  await page.getByRole('link', { name: 'Status' }).click();
  await page.getByRole('heading', { level: 1, name: 'Status' }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/status');
  await page.goBack();
  await page.getByRole('heading', { level: 1, name: 'Build an image' }).waitFor();
  expect([loads, offences]).toEqual([1, []]);
  await context.close();
});

test('a view looks the same to whoever comes from another one', async () => {
  const { page, context } = await visit(browser, stack.url, { viewport: { width: 800, height: 800 } });
  const looks = async (heading: string): Promise<readonly string[]> => {
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    return page.locator('main *').evaluateAll((all) =>
      all.map((each) => {
        const { display, padding, margin, borderTopWidth, gridAutoFlow, color } = getComputedStyle(each);
        return [each.tagName, display, padding, margin, borderTopWidth, gridAutoFlow, color].join(' ');
      }),
    );
  };
  for (const [path, name] of [VIEWS[1], VIEWS[3]]) {
    await page.goto(path);
    const alone = await looks(name);
    await page.goto('/');
    await page.getByRole('combobox', { name: 'Device' }).waitFor();
    await page.getByRole('link', { name: 'Status' }).click();
    await page.getByRole('heading', { level: 1, name: 'Status' }).waitFor();
    await page.getByRole('link', { name }).click();
    expect(await looks(name)).toEqual(alone);
  }
  await context.close();
});

test('whoever has only a keyboard can skip the links, and sees where they are', async () => {
  const { page, context } = await visit(browser, stack.url);
  await page.goto('/');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.keyboard.press('Tab');
  const skip = page.getByRole('link', { name: 'Skip to the content' });
  expect(await skip.evaluate((link) => link === document.activeElement && link.getBoundingClientRect().left >= 0)).toBe(
    true,
  );
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('content');
  await context.close();
});

test('no view is wider than a small phone', async () => {
  const { page, context } = await visit(browser, stack.url, { viewport: { width: 320, height: 640 } });
  for (const [path, heading] of VIEWS) {
    await page.goto(path);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    expect([path, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([path, 320]);
  }
  await context.close();
});
