/** The bench's Foreman in workerd, with the demo mirror as upstream: neither store nor edge, which it is not about. */

import { bundleWorker } from '../../farm/serve/bundle-worker.ts';
import { KV_SERVICE, variables, workerdConfig } from '../../farm/serve/workerd-config.ts';
import { freePort } from '../../farm/stack/free-port.ts';
import { BenchPlace } from '../bench-place.ts';

export interface ForemanServer {
  readonly url: string;
  stop(): Promise<void>;
}

export const startForemanServer = (onLine: (line: string) => void): Promise<ForemanServer> =>
  BenchPlace.with(onLine, async (place) => {
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
    };
    const bindings = [`(name = "CACHE", kvNamespace = ${KV_SERVICE})`, ...variables(settings)];
    const foreman = { name: 'foreman', address: `127.0.0.1:${port}`, bundle, hasObjects: true, bindings };
    await place.startWorkerd({ config: workerdConfig(await place.storage(), [foreman]), url });
    return { url, stop: () => place.stop() };
  });
