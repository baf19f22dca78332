/** The bench's Foreman in workerd, with the demo mirror as upstream: neither store nor edge, which it is not about. */

import { bundleWorker } from '../../farm/serve/bundle-worker.ts';
import { KV_SERVICE, variables, workerdConfig } from '../../farm/serve/workerd-config.ts';
import { freePort } from '../../farm/stack/free-port.ts';
import { BenchPlace } from '../bench-place.ts';
import { processesOf, residentBytes } from '../process-usage.ts';

export interface ForemanServer {
  readonly url: string;
  /** What the Foreman logged as its fault: a chore that fails reads next to nothing, and would look fast. */
  readonly faults: readonly string[];
  /** Memory that workerd holds; null where the system does not tell. */
  residentBytes(): Promise<number | null>;
  stop(): Promise<void>;
}

/** `more`: settings beside those that the bench needs. */
export const startForemanServer = (
  onLine: (line: string) => void,
  more: Readonly<Record<string, string>> = {},
): Promise<ForemanServer> => {
  const faults: string[] = [];
  const noted = (line: string): void => {
    if (line.includes('"level":"error"')) faults.push(line);
    else onLine(line);
  };
  return BenchPlace.with(noted, async (place) => {
    const mirror = await place.startMirror();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const bundle = await bundleWorker('bench/foreman/worker/worker.ts', place.directory);
    const settings = {
      ...mirror,
      SERVER_KEY: '0'.repeat(64),
      // Volunteers are measured as well, and it is the Foreman's work that counts, not what it makes of it.
      TRUST_POLICY: '{"reproducible":["* *"]}',
      MAX_QUEUE: '1000000',
      // As long as they can be: nothing is over unless an operation says so.
      LEASE_SECONDS: '600',
      BUILD_SECONDS: '7200',
      ABANDONED_MINUTES: '1440',
      CATALOGUE_REFRESH_SECONDS: '3600',
      ...more,
    };
    const bindings = [`(name = "CACHE", kvNamespace = ${KV_SERVICE})`, ...variables(settings)];
    const foreman = { name: 'foreman', address: `127.0.0.1:${port}`, bundle, hasObjects: true, bindings };
    const configFile = await place.startWorkerd({ config: workerdConfig(await place.storage(), [foreman]), url });
    const processes = await processesOf(configFile);
    return { url, faults, residentBytes: () => residentBytes(processes), stop: () => place.stop() };
  });
};
