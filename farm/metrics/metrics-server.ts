/**
 * `GET /metrics` of a node, for a Prometheus on the same machine or network. Off unless asked for. Nothing is read from
 * a caller but the request line, and whatever goes wrong here ends no build.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PROMETHEUS_CONTENT_TYPE } from '../../shared/metrics/prometheus-text.ts';
import { listenOn } from '../listen-on.ts';

/** Disposing of it ends open connections too. */
export interface MetricsServer extends AsyncDisposable {
  /** `http://127.0.0.1:9100/metrics` */
  readonly url: string;
}

const PATIENCE_MS = 5_000;
const MAX_CONNECTIONS = 20;

/** @throws ListenError */
export async function serveMetrics(
  address: { readonly host: string; readonly port: number },
  text: () => Promise<string>,
): Promise<MetricsServer> {
  const server = createServer(
    { requestTimeout: PATIENCE_MS, headersTimeout: PATIENCE_MS, maxHeaderSize: 8 * 1024 },
    (request, response) => void answer(request, response, text),
  );
  server.maxConnections = MAX_CONNECTIONS;
  // Must not keep a node from ending.
  server.unref();
  await listenOn(server, address, '--metrics: they cannot be served');
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return {
    url: `http://${host}:${port}/metrics`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, text: () => Promise<string>): Promise<void> {
  try {
    const say = (status: number, body: string, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', ...headers })
        .end(request.method === 'HEAD' ? undefined : body);
    if ((request.url ?? '').split('?')[0] !== '/metrics') say(404, 'expected /metrics\n');
    else if (request.method !== 'GET' && request.method !== 'HEAD') say(405, 'expected GET\n', { allow: 'GET, HEAD' });
    else say(200, await text(), { 'content-type': PROMETHEUS_CONTENT_TYPE });
  } catch {
    if (!response.headersSent) response.writeHead(500);
    response.end();
  }
}
