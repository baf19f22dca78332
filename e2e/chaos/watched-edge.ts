/** Stands before the edge where visitors come in, and hears every answer: what a client hides from its user is judged as well. */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Listening, listening } from '../listening.ts';

export interface HeardAnswer {
  readonly method: string;
  readonly path: string;
  readonly requestBody: Buffer;
  readonly status: number;
  readonly body: Buffer;
}

/** `onAnswer` is told of whole answers only, before the client has them. */
export function watchedEdge(edgeUrl: string, onAnswer: (answer: HeardAnswer) => void): Promise<Listening> {
  const { hostname: host, port } = new URL(edgeUrl);
  const forward = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const requestBody = await bodyOf(incoming);
    const { method = 'GET', url: path = '/' } = incoming;
    const { 'transfer-encoding': _wasChunked, ...asked } = incoming.headers;
    const headers = { ...asked, ...(requestBody.length > 0 && { 'content-length': requestBody.length }) };
    const onward = httpRequest({ host, port, method, path, headers });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      onward.once('response', resolve);
      onward.once('error', reject);
    });
    outgoing.once('close', () => onward.destroy());
    onward.end(requestBody);
    const answer = await answered;
    const body = await bodyOf(answer);
    const status = answer.statusCode ?? 502;
    onAnswer({ method, path, requestBody, status, body });
    const { 'transfer-encoding': _chunked, ...told } = answer.headers;
    outgoing.writeHead(status, method === 'HEAD' ? answer.headers : told);
    outgoing.end(body);
  };
  return listening(
    createServer((incoming, outgoing) => void forward(incoming, outgoing).catch(() => outgoing.destroy())),
  );
}

async function bodyOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
