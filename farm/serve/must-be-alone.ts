/**
 * What a workerd that is left over would do to the next one: write into the same databases, and answer its first question in its
 * place. The lock on the state directory goes with the process that keeps workerd, not with workerd.
 */
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { parseListenAddress } from '../cli/listen-address.ts';

/** @throws Error naming the process that runs with this configuration */
export async function mustHaveEnded(configFile: string): Promise<void> {
  for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    // It may be gone by now, or be somebody else's.
    const argv = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (argv.split('\0').includes(configFile))
      throw new Error(
        `expected nobody to use ${configFile}, but process ${pid} runs with it: stop that one (kill ${pid})`,
      );
  }
}

/** `address`: `host:port`. @throws Error where something listens there */
export function mustBeFree(address: string): Promise<void> {
  const { host, port } = parseListenAddress(address) ?? { host: '', port: 0 };
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) =>
      reject(
        new Error(`--listen ${address}: it cannot be listened on there (${(error as NodeJS.ErrnoException).code})`),
      ),
    );
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  });
}
