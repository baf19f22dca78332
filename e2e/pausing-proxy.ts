/**
 * A way between two processes that a test can stop at an exact moment: requests go through unchanged (signatures cover the
 * Host header), and a chosen answer is withheld until the test has killed whoever waits for it.
 */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly requestBody: Buffer;
}

/** `answer`: the request went through and was carried out, its answer is withheld. `request`: it never arrives. */
export type Hold = 'answer' | 'request' | undefined;

export interface PausingProxy {
  readonly url: string;
  /** Asked for each exchange; replaces the one before. */
  setHold(hold: (exchange: Exchange) => Hold): void;
  /** Exchanges that are being withheld. */
  held(): readonly Exchange[];
  close(): Promise<void>;
}

export async function pausingProxy(targetUrl: string): Promise<PausingProxy> {
  const target = new URL(targetUrl);
  let hold: (exchange: Exchange) => Hold = () => undefined;
  const held: Exchange[] = [];

  const forward = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const requestBody = await bodyOf(incoming);
    const exchange = { method: incoming.method ?? '', path: incoming.url ?? '', requestBody };
    const wanted = hold(exchange);
    if (wanted === 'request') {
      held.push(exchange);
      return;
    }
    const { method, url: path, headers } = incoming;
    let isAnswered = false;
    const onward = httpRequest({ host: target.hostname, port: target.port, method, path, headers }, async (answer) => {
      isAnswered = true;
      const answerBody = await bodyOf(answer);
      if (wanted === 'answer') {
        held.push(exchange);
        return;
      }
      const { 'transfer-encoding': _chunked, ...answerHeaders } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 502, method === 'HEAD' ? answer.headers : answerHeaders);
      outgoing.end(answerBody);
    });
    // Swift ends the body that an answer to HEAD does not have; what comes behind an answer is no answer's end.
    onward.on('error', () => isAnswered || outgoing.destroy());
    onward.end(requestBody);
  };

  const server = createServer((incoming, outgoing) => void forward(incoming, outgoing).catch(() => outgoing.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setHold: (next) => {
      hold = next;
    },
    held: () => [...held],
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function bodyOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
