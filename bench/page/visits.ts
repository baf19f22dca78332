/**
 * A reader's visits, as the browser itself tells of them: its own clock and its own count of bytes. What is evaluated in the page is
 * text, since nothing here is compiled for a browser.
 */
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';

/** Milliseconds since the navigation began; bytes as they came over the line, headers included. */
export interface Visit {
  readonly firstPaintMs: number;
  /** The field of devices may be used, and all devices are there. For a page of one word: it is painted. */
  readonly readyMs: number;
  readonly bytes: number;
}

const FIRST_PAINT = `new Promise((resolve) => new PerformanceObserver((list, observer) => {
  observer.disconnect();
  resolve(list.getEntries()[0].startTime);
}).observe({ type: 'paint', buffered: true }))`;
const BYTES = `['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type))
  .reduce((sum, { transferSize }) => sum + transferSize, 0)`;
/** A key is followed until what it changed is painted; the browser tells of nothing below 16 ms. */
const FOLLOW_KEYS = `window.strokes = [];
  new PerformanceObserver((list) => strokes.push(...list.getEntries().map(({ name, duration }) => [name, duration])))
    .observe({ type: 'event', durationThreshold: 16 });`;
const WORDS = 'router 1234 maker34';
const LEAST_MS = 16;

/** A page of one word, by who was never there. */
export async function yardstick(browser: Browser, url: string): Promise<Visit> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(url);
    const firstPaintMs = await page.evaluate<number>(FIRST_PAINT);
    return { firstPaintMs, readyMs: firstPaintMs, bytes: await page.evaluate<number>(BYTES) };
  } finally {
    await context.close();
  }
}

export const cold = (browser: Browser, url: string): Promise<Visit> =>
  onPage(browser, async (page) => {
    await page.goto(url);
    return visited(page);
  });

/** By who was there a moment ago. */
export const warm = (browser: Browser, url: string): Promise<Visit> =>
  onPage(browser, async (page) => {
    await page.goto(url);
    await untilReady(page);
    await page.goto('about:blank');
    await page.goto(url);
    return visited(page);
  });

/** From each key that is pressed to the list that is painted for it. Milliseconds, at least 16. */
export const typed = (browser: Browser, url: string, devices: number): Promise<readonly number[]> =>
  onPage(browser, async (page) => {
    await page.goto(url);
    await untilReady(page);
    await field(page).click();
    await page.getByText(`${devices} devices`).waitFor({ state: 'attached' });
    await page.evaluate(FOLLOW_KEYS);
    // Nobody types faster; what is waited for is the browser's telling of it.
    await page.keyboard.type(WORDS, { delay: 60 });
    await page.getByText('Maker34 Router 1234').first().waitFor();
    await page.waitForTimeout(200);
    const told = await page.evaluate<[name: string, ms: number][]>('strokes');
    const slow = told.flatMap(([name, ms]) => (name === 'keydown' ? [ms] : [])).slice(0, WORDS.length);
    return [...slow, ...Array.from({ length: WORDS.length - slow.length }, () => LEAST_MS)];
  });

/** Of all scripts that the page loads before anybody does anything, each as gzip makes it. */
export const scriptBytes = (browser: Browser, url: string): Promise<number> =>
  onPage(browser, async (page) => {
    const scripts: Promise<Buffer>[] = [];
    page.on('response', (response) => {
      if (response.request().resourceType() === 'script') scripts.push(response.body());
    });
    await page.goto(url, { waitUntil: 'networkidle' });
    return (await Promise.all(scripts)).reduce((sum, script) => sum + gzipSync(script).length, 0);
  });

async function onPage<Result>(browser: Browser, work: (page: Page) => Promise<Result>): Promise<Result> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  try {
    return await work(await context.newPage());
  } finally {
    await context.close();
  }
}

const field = (page: Page) => page.getByRole('combobox', { name: 'Device' });

const untilReady = (page: Page): Promise<void> => field(page).and(page.locator('[aria-busy=false]')).waitFor();

async function visited(page: Page): Promise<Visit> {
  await untilReady(page);
  const readyMs = await page.evaluate<number>('performance.now()');
  return { firstPaintMs: await page.evaluate<number>(FIRST_PAINT), readyMs, bytes: await page.evaluate<number>(BYTES) };
}
