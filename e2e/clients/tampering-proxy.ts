/**
 * Stands before the edge and changes one thing in its answers, so that a test can show that a replay notices. A replay that
 * cannot fail would prove nothing of the server.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ProxiedAnswer {
  readonly status: number;
  /** Without `content-length` it goes out in chunks. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** `line`: `GET /path`. */
export type Tamper = (line: string, answer: ProxiedAnswer) => ProxiedAnswer;

export interface TamperingProxy {
  readonly url: string;
  setTamper(tamper: Tamper): void;
  close(): Promise<void>;
}

export async function tamperingProxy(targetUrl: string): Promise<TamperingProxy> {
  let tamper: Tamper = (_, answer) => answer;
  const server = createServer((incoming, outgoing) => {
    void forward(targetUrl, incoming)
      .then((answer) => {
        const { status, headers, body } = tamper(`${incoming.method} ${incoming.url}`, answer);
        outgoing.writeHead(status, headers);
        outgoing.end(incoming.method === 'HEAD' ? undefined : body);
      })
      .catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setTamper: (next) => {
      tamper = next;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function forward(targetUrl: string, incoming: IncomingMessage): Promise<ProxiedAnswer> {
  const { method = 'GET', url = '/', headers } = incoming;
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const asked = headers['access-control-request-headers'];
  const response = await fetch(`${targetUrl}${url}`, {
    method,
    redirect: 'manual',
    headers: {
      'accept-encoding': 'identity',
      ...(headers['content-type'] && { 'content-type': headers['content-type'] }),
      ...(typeof asked === 'string' && { 'access-control-request-headers': asked }),
    },
    ...(method === 'POST' && { body: Buffer.concat(chunks) }),
  });
  const body = Buffer.from(await response.arrayBuffer());
  const { connection: _c, 'keep-alive': _k, 'transfer-encoding': _t, ...kept } = Object.fromEntries(response.headers);
  return { status: response.status, headers: { ...kept, 'content-length': String(body.length) }, body };
}
