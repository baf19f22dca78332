/** What a sandbox hands its node: a socket that listens, at which nobody answers yet. Here on the machine's own loopback. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

export async function newListener(): Promise<{ readonly listener: Server; readonly port: number }> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return { listener, port: (listener.address() as AddressInfo).port };
}
