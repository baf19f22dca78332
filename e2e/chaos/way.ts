/** A line between two parts that can be cut, or made slow, byte by byte: what goes over it is not looked at. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export type WayState = 'open' | 'cut' | 'slow';

export interface Way {
  readonly url: string;
  /** Cut: whoever is on it is thrown off, and nobody comes on. Slow: from now on, for those who are on it as well. */
  set(state: WayState): void;
  close(): Promise<void>;
}

const SLOW_BYTES_PER_SECOND = 64 * 1024;
const SLOW_LATENCY_MS = 150;

export async function openWay(targetUrl: string): Promise<Way> {
  const { hostname, port } = new URL(targetUrl);
  const sockets = new Set<Socket>();
  let state: WayState = 'open';
  const isSlow = () => state === 'slow';
  const server = createServer({ allowHalfOpen: true }, (incoming) => {
    if (state === 'cut') {
      incoming.resetAndDestroy();
      return;
    }
    const onward = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    for (const socket of [incoming, onward]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => sockets.delete(socket));
    }
    const broken = () => {
      incoming.destroy();
      onward.destroy();
    };
    pipeline(incoming, slowing(isSlow), onward).catch(broken);
    pipeline(onward, slowing(isSlow), incoming).catch(broken);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set: (next) => {
      state = next;
      if (next === 'cut') for (const socket of sockets) socket.resetAndDestroy();
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function slowing(isSlow: () => boolean): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (!isSlow()) return done(null, chunk);
      setTimeout(() => done(null, chunk), SLOW_LATENCY_MS + (chunk.length * 1000) / SLOW_BYTES_PER_SECOND);
      return undefined;
    },
  });
}
