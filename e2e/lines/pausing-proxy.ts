/**
 * A way between two processes that a test can stop at an exact moment: requests go through unchanged (signatures cover the
 * Host header), and a chosen answer is withheld until the test has killed whoever waits for it, or is another than was given.
 */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly requestBody: Buffer;
}

/** What is said instead, or how much of the true answer's body comes before the line breaks. */
export type Instead =
  | { readonly status: number; readonly contentType: string; readonly body: string }
  | { readonly cutAfterBytes: number };

/** `answer`: the request went through and was carried out, its answer is withheld. `request`: it never arrives. */
export type Hold = 'answer' | 'request' | Instead | undefined;

export interface PausingProxy {
  readonly url: string;
  /** Asked for each exchange; replaces the one before. */
  setHold(hold: (exchange: Exchange) => Hold): void;
  /** Exchanges that are being withheld. */
  held(): readonly Exchange[];
  /** Nobody listens there any more, and what is on the way is cut; and again somebody does, at the same address. */
  goDown(): Promise<void>;
  comeBack(): Promise<void>;
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
    if (typeof wanted === 'object' && 'status' in wanted) {
      outgoing.writeHead(wanted.status, { 'content-type': wanted.contentType });
      outgoing.end(wanted.body);
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
      if (typeof wanted === 'object')
        outgoing.write(answerBody.subarray(0, wanted.cutAfterBytes), () => outgoing.destroy());
      else outgoing.end(answerBody);
    });
    // Swift ends the body that an answer to HEAD does not have; what comes behind an answer is no answer's end.
    onward.on('error', () => isAnswered || outgoing.destroy());
    onward.end(requestBody);
  };

  const server = createServer((incoming, outgoing) => void forward(incoming, outgoing).catch(() => outgoing.destroy()));
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    setHold: (next) => {
      hold = next;
    },
    held: () => [...held],
    goDown: close,
    comeBack: () => listen(port),
    close,
  };
}

async function bodyOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
