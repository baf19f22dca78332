/**
 * `npm run bench -- --page`: what the page costs a reader, in a real Chromium, beside a page of one word from the same runtime. What the
 * rows mean: docs/benchmarks.md.
 */
import { startBrowser } from '../e2e/page/browser.ts';
import { startBenchServer } from './bench-server.ts';
import { enlargeIndex } from './large-index.ts';
import { MANY_DEVICES, manyDevices } from './page/many-devices.ts';
import { printPageReport } from './page/report.ts';
import { cold, scriptBytes, typed, type Visit, warm, yardstick } from './page/visits.ts';

export interface PageBenchOptions {
  readonly rounds: number;
}

export async function benchPage({ rounds }: PageBenchOptions, signal: AbortSignal): Promise<void> {
  const server = await startBenchServer('no inspector', (line) => console.error(`  workerd: ${line}`));
  try {
    await manyDevices(server);
    await enlargeIndex(server);
    const browser = await startBrowser();
    try {
      const visits: Record<'hello' | 'cold' | 'warm', Visit[]> = { hello: [], cold: [], warm: [] };
      const keys: number[] = [];
      // In turn, and the first of each counts for nothing: it fills the server's memory, and the browser's own.
      for (let round = 0; round <= rounds; round++) {
        signal.throwIfAborted();
        const all = {
          hello: await yardstick(browser, server.helloUrl),
          cold: await cold(browser, server.edgeUrl),
          warm: await warm(browser, server.edgeUrl),
        };
        const strokes = await typed(browser, server.edgeUrl, MANY_DEVICES);
        if (round === 0) continue;
        for (const name of ['hello', 'cold', 'warm'] as const) visits[name].push(all[name]);
        keys.push(...strokes);
      }
      printPageReport({ visits, keys, scripts: await scriptBytes(browser, server.edgeUrl), rounds });
    } finally {
      await browser.close();
    }
  } finally {
    await server.stop();
  }
}
