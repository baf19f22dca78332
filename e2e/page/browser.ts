/**
 * A real Chromium for tests of the page: Debian's own, driven by playwright-core. What a page must never do fails the test that
 * looks at it, whatever it was about: an error in a script, something that its policy forbids, a request to another server.
 */
import axe from 'axe-core';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { installTools } from '../../farm/install-tools.ts';

const PROGRAM = 'chromium';
/** For all that is waited for. Nothing here is about how fast this machine is. */
const PATIENCE_MS = 120_000;

export async function startBrowser(): Promise<Browser> {
  const missing = await installTools({ [PROGRAM]: PROGRAM });
  if (missing.length > 0) throw new Error(`Tests of the page need a browser. Run: sudo apt-get install ${PROGRAM}`);
  return chromium.launch({
    executablePath: `/usr/bin/${PROGRAM}`,
    timeout: PATIENCE_MS,
    // As root Chromium's own sandbox does not start; the pages here are ours.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
}

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What it did that no page of ours may do. */
  readonly offences: readonly string[];
}

/** A reader who was never here. `baseURL`: the server. */
export async function visit(browser: Browser, baseURL: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ baseURL, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const offences: string[] = [];
  page.on('pageerror', (error) => offences.push(`a script failed: ${error.stack ?? error.message}`));
  page.on('console', (line) => {
    if (line.type() === 'error' && /Content.Security.Policy|Refused to/i.test(line.text())) offences.push(line.text());
  });
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== new URL(baseURL).origin) offences.push(`asked ${request.url()}`);
  });
  return { page, context, offences };
}

/** What axe finds that keeps somebody out; each with where it is. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const { axe: checker } = globalThis as unknown as { axe: typeof import('axe-core') };
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    return (await checker.run({ runOnly: { type: 'tag', values: tags } })).violations;
  });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id} (${help}): ${target.join(' ')}`));
}
