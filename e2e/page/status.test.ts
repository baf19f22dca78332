/** The status view with what a farm is like: new and empty, busy, without machines, with a part of the server that does not answer. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { built, healthOf, REQUEST } from '../players/router.ts';
import { type NodeUnderTest, StackUnderTest, until } from '../stack-under-test.ts';
import { barriers, startBrowser, type Visit, visit } from './browser.ts';
import { addCount, addFailure, addNode, allAway, busyMonth, changeForeman } from './farm-scene.ts';
import { HOSTILE_TEXTS, wasObeyed } from './hostile-text.ts';

const DAY_MS = 24 * 3_600_000;

let stack: StackUnderTest;
let browser: Browser;
let node: NodeUnderTest;

beforeAll(async () => {
  [stack, browser] = await Promise.all([StackUnderTest.start(), startBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

const newVisit = (options: Parameters<typeof visit>[2] = {}): Promise<Visit> => visit(browser, stack.url, options);

async function look(options: Parameters<typeof visit>[2] = {}): Promise<Visit> {
  const seen = await newVisit(options);
  await seen.page.goto('/status');
  await seen.page.getByText('As a table').or(seen.page.getByText('Nothing yet')).first().waitFor();
  return seen;
}

const part = (page: Page, name: string) => page.getByRole('region', { name, exact: true }).first();
const figure = (page: Page, name: string) =>
  page.locator('.figures > div').filter({ has: page.getByText(name, { exact: true }) });
/** Rows of a table's body. */
const rows = (page: Page, name: string) => part(page, name).locator('tbody tr');

/** The Foreman's rows are changed while nobody looks; nothing that an isolate remembered is left then. */
async function rewrite(change: Parameters<typeof changeForeman>[1]): Promise<void> {
  await stack.killEdge();
  await changeForeman(stack.directory, change);
  await stack.startEdge();
}

test('a new server without machines says so, and has no empty charts', async () => {
  const { page, context, offences } = await look();
  await page.getByText('New ones wait, since no machine is here that builds.').waitFor();
  await part(page, 'Machines').getByText('No machine was heard of within a day').waitFor();
  await figure(page, 'A new image takes').getByText('no machine is here').waitFor();
  for (const name of ['Requests by day', 'Images by version', 'Packages', 'Targets'])
    await part(page, name).getByText('Nothing yet').waitFor();
  await part(page, 'Reproducibility').getByText('Nothing was built by two owners yet.').waitFor();
  await part(page, 'Builds that failed lately').getByText('None failed lately.').waitFor();
  expect([await page.locator('canvas').count(), await barriers(page), offences]).toEqual([0, [], []]);
  await part(page, 'Machines').getByRole('link', { name: 'Lend one' }).click();
  await page.getByRole('heading', { level: 1, name: 'Lend a machine' }).waitFor();
  await context.close();
});

describe('a busy farm', () => {
  beforeAll(async () => {
    node = await stack.startNode('cellar');
    expect((await built(stack.url, REQUEST)).status).toBe(200);
    await rewrite((db) => busyMonth(db, Date.now()));
    await until('the machine is here again', async () => (await healthOf(stack.url)).parts.nodes.up);
  });

  test('shows what works, who builds, and numbers that are those of the server', async () => {
    const { page, context, offences } = await look();
    await page.getByText('Everything works').waitFor();
    await page.getByText('Parts', { exact: true }).click();
    await page.getByRole('row', { name: /^Upstream up$/ }).waitFor();
    await page.getByRole('row', { name: /^cellar trusted ready 0 of 2 1$/ }).waitFor();
    const { datasets } = await (await fetch(`${stack.url}/api/v1/builds-per-day`)).json();
    const requests = datasets[0].data.reduce((sum: number, n: number) => sum + n, 0);
    await part(page, 'Requests by day')
      .getByText(`In 30 days ${requests.toLocaleString('en')} requests`)
      .waitFor();
    await part(page, 'Requests by day').getByText('As a table').click();
    expect(await rows(page, 'Requests by day').count()).toBe(30);
    const [today] = await rows(page, 'Requests by day').allInnerTexts();
    expect(today?.split(/\s+/).slice(-3)).toEqual(
      datasets.map(({ data }: { data: number[] }) => data.at(-1)?.toLocaleString('en')),
    );
    await page.getByRole('row', { name: /^luci 4\d\d$/ }).waitFor();
    await page.getByRole('row', { name: /^demo\/generic 63\d 48 sec$/ }).waitFor();
    await part(page, 'Reproducibility').getByText('2 of 3 measured targets come out the same').waitFor();
    await figure(page, 'A new image takes')
      .getByText(/^\d+ sec$/)
      .waitFor();
    expect(offences).toEqual([]);
    await context.close();
  });

  test.each(['light', 'dark'] as const)('%s: keeps nobody out', async (colorScheme) => {
    const { page, context, offences } = await look({ colorScheme });
    await page.locator('canvas').nth(1).waitFor();
    for (const closed of await page.locator('details > summary').all()) await closed.click();
    expect([await barriers(page), offences]).toEqual([[], []]);
    await context.close();
  });

  test('charts have a name and say in words what they show; they take the colours and the room that there is', async () => {
    const { page, context } = await look({ colorScheme: 'light' });
    const chart = page.getByRole('img', { name: 'Requests by day' });
    await chart.locator('canvas').waitFor();
    expect(
      await chart.evaluate(
        (image) => document.getElementById(image.getAttribute('aria-describedby') ?? '')?.textContent,
      ),
    ).toMatch(/^In 30 days/);
    const drawn = (colour: string) =>
      until(`something is drawn in ${colour}`, () =>
        chart.locator('canvas').evaluate((element, hex) => {
          const canvas = element as HTMLCanvasElement;
          const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
          const wanted = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
          for (let at = 0; at < data.length; at += 4)
            if (data[at + 3] === 255 && wanted.every((value, index) => data[at + index] === value)) return true;
          return false;
        }, colour),
      );
    await drawn('#0072b2');
    await page.emulateMedia({ colorScheme: 'dark' });
    await drawn('#6bb7f0');
    await page.setViewportSize({ width: 320, height: 640 });
    await until(
      'the chart is as narrow as the page',
      async () => (await chart.locator('canvas').boundingBox())!.width < 300,
    );
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
    await context.close();
  });

  test('a question that fails says so, and all others are answered', async () => {
    const { page, context } = await newVisit();
    await page.route('**/api/v1/nodes', (route) =>
      route.fulfill({ status: 503, json: { detail: 'the <b>Foreman</b> is away', status: 503 } }),
    );
    await page.route('**/api/v1/reproducibility', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<h1>Log in</h1>' }),
    );
    await page.route('**/api/v1/stats/popular_targets', (route) => route.fulfill({ json: { targets: 1 } }));
    await page.route('**/api/v1/builds-per-day', (route) => route.abort());
    await page.goto('/status');
    await part(page, 'Machines').getByText('the <b>Foreman</b> is away').waitFor();
    for (const name of ['Reproducibility', 'Targets'])
      await part(page, name).getByText('Something other than this server answered').waitFor();
    await part(page, 'Requests by day').getByText('The server does not answer.').waitFor();
    await page.getByText('Everything works').waitFor();
    await rows(page, 'Packages').first().waitFor();
    await figure(page, 'Answered at once').getByText('–').waitFor();
    expect(await barriers(page)).toEqual([]);
    await context.close();
  });

  test('is asked again while it is looked at, and what was known stays when that fails', async () => {
    const { page, context } = await newVisit();
    await page.clock.install();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto('/status');
    await page.getByRole('row', { name: /^cellar/ }).waitFor();
    const times = (path: string) => asked.filter((one) => one === path).length;
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
    });
    await page.clock.runFor(300_000);
    const before = times('/api/v1/nodes');
    await page.route('**/api/v1/nodes', (route) => route.abort());
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => false });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await part(page, 'Machines')
      .getByText(/This is what the server said at .* The server does not answer/)
      .waitFor();
    await page.getByRole('row', { name: /^cellar/ }).waitFor();
    expect([before, times('/api/v1/nodes')]).toEqual([1, 2]);
    await context.close();
  });
});

describe('a thousand machines that are all away, and names that attack', () => {
  const [markup = ''] = HOSTILE_TEXTS;

  beforeAll(async () => {
    await node.kill();
    await rewrite((db) => {
      const now = Date.now();
      const [yesterday, at] = [Math.floor(now / DAY_MS) - 1, { last_seen_at: now }];
      db.exec('DELETE FROM failures');
      for (let serial = 100; serial < 1_080; serial++)
        addNode(db, serial, { ...at, name: `machine-${serial}`, state: 'active' });
      for (const [serial, name] of HOSTILE_TEXTS.entries()) {
        addNode(db, serial + 20, { ...at, name, state: 'active' });
        addCount(db, 'package', yesterday, '24.10', name, 50);
        addCount(db, 'target', yesterday, '24.10', name, 50);
        addFailure(db, { at: now, version: name, target: name, profile: name, kind: name, detail: name });
      }
      // Of many versions the chart has the largest.
      addCount(db, 'version', yesterday, markup, markup, 5_000);
      allAway(db, now);
    });
  });

  test('says that images are handed out all the same', async () => {
    const { page, context, offences } = await look();
    await page.getByText('New ones wait, since no machine is here that builds.').waitFor();
    await figure(page, 'Machines here').getByText('0', { exact: true }).waitFor();
    await figure(page, 'Machines here')
      .getByText(/^of 9\d\d seen within a day$/)
      .waitFor();
    await figure(page, 'A new image takes').getByText('no machine is here').waitFor();
    await page.locator('canvas').first().waitFor();
    expect([await barriers(page), offences]).toEqual([[], []]);
    await context.close();
  });

  test('fifty machines are shown at first; a word finds the others, a button shows more', async () => {
    const { page, context } = await look();
    await rows(page, 'Machines').first().waitFor();
    expect(await rows(page, 'Machines').count()).toBe(50);
    await page.getByRole('searchbox', { name: 'Find a machine' }).fill('away MACHINE-107');
    await part(page, 'Machines')
      .getByText(/^11 of 9\d\d$/)
      .or(part(page, 'Machines').getByText(/^10 of 9\d\d$/))
      .waitFor();
    expect(await rows(page, 'Machines').allInnerTexts()).toContainEqual(expect.stringContaining('machine-1075'));
    await page.getByRole('searchbox', { name: 'Find a machine' }).fill('no such');
    await part(page, 'Machines').getByText('Nothing fits.').waitFor();
    await page.getByRole('searchbox', { name: 'Find a machine' }).fill('');
    await part(page, 'Machines')
      .getByRole('button', { name: /^Show more/ })
      .click();
    expect(await rows(page, 'Machines').count()).toBe(100);
    await context.close();
  });

  test('names, versions and failures of strangers are text', async () => {
    const { page, context, offences } = await look();
    for (const name of ['Packages', 'Targets', 'Builds that failed lately']) {
      await rows(page, name).first().waitFor();
      const more = part(page, name).getByRole('button', { name: /^Show more/ });
      if ((await more.count()) > 0) await more.click();
    }
    for (const closed of await page.locator('details > summary').all()) await closed.click();
    await page.getByRole('searchbox', { name: 'Find a machine' }).fill('pwned');
    for (const name of ['Machines', 'Packages', 'Targets', 'Builds that failed lately'])
      await part(page, name).getByText(markup).first().waitFor();
    await part(page, 'Images by version').getByRole('columnheader', { name: markup }).waitFor();
    expect([await wasObeyed(page), offences]).toEqual([false, []]);
    await context.close();
  });
});
