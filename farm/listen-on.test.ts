import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ListenError, listenOn } from './listen-on.ts';

const open = new Set<{ close(): void }>();
afterEach(() => {
  for (const server of open) server.close();
  open.clear();
});

const tried = async (host: string, port: number): Promise<unknown> => {
  const server = createServer();
  open.add(server);
  return await listenOn(server, { host, port }, '--listen: nothing can be served').catch((error: unknown) => error);
};

async function takenPort(): Promise<number> {
  const server = createServer();
  open.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

test('a free port is listened on', async () => {
  expect(await tried('127.0.0.1', 0)).toBeUndefined();
});

test('a port that somebody has may be free in a moment', async () => {
  const port = await takenPort();
  expect(await tried('127.0.0.1', port)).toMatchObject({
    message: `--listen: nothing can be served on 127.0.0.1:${port} (EADDRINUSE)`,
    passes: true,
  });
});

test('an address that this machine does not have may come with its network', async () => {
  expect(await tried('192.0.2.1', 8790)).toMatchObject({
    message: expect.stringMatching(/EADDRNOTAVAIL/),
    passes: true,
  });
});

test('an address that nobody can listen on is a wrong setting', async () => {
  const error = await tried('fe80::1', 8790);
  expect(error).toBeInstanceOf(ListenError);
  expect(error).toMatchObject({ passes: false });
});
