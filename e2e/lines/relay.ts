/** Makes a service of loopback reachable at another address of this machine, byte by byte, and knows who came. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

export interface Relay {
  readonly url: string;
  /** Addresses that connections came from. */
  readonly visitors: ReadonlySet<string>;
  close(): Promise<void>;
}

/** `targetUrl` is asked at each connection: who is behind may start later. Until then connections are cut. */
export async function relay(host: string, targetUrl: () => string | undefined): Promise<Relay> {
  const visitors = new Set<string>();
  const sockets = new Set<Socket>();
  const server = createServer((incoming) => {
    visitors.add(incoming.remoteAddress ?? '');
    const target = targetUrl();
    if (target === undefined) return incoming.destroy();
    const onward = connect(Number(new URL(target).port), '127.0.0.1');
    for (const socket of [incoming, onward]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    pipeline(incoming, onward, incoming, () => undefined);
    return undefined;
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    visitors,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
