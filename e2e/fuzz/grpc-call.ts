/** gRPC by HTTP/2 as it is on the line: bytes that a client of gRPC would never send, and the trailers that tell how the call ended. */
import type { ClientHttp2Session } from 'node:http2';
import type { CallAnswer } from './call-answer.ts';

const PATIENCE_MS = 60_000;

/** @throws Error where it is silent for a minute, or the stream is reset */
export function grpcCall(
  session: ClientHttp2Session,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<CallAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<CallAnswer>();
  const stream = session.request({ ':method': 'POST', ':path': path, te: 'trailers', ...headers });
  const chunks: Buffer[] = [];
  const trailers = new Map<string, string>();
  let [status, contentType] = [0, ''];
  const hear = (said: Readonly<Record<string, unknown>>) => {
    for (const name of ['grpc-status', 'grpc-message']) if (name in said) trailers.set(name, String(said[name]));
  };
  stream.setTimeout(PATIENCE_MS, () => reject(new Error(`no byte for ${PATIENCE_MS} ms`)));
  stream.on('response', (said) => {
    [status, contentType] = [Number(said[':status']), String(said['content-type'] ?? '')];
    hear(said);
  });
  stream.on('trailers', hear);
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', reject);
  stream.on('close', () => resolve({ status, contentType, body: Buffer.concat(chunks), trailers }));
  stream.end(body);
  return promise;
}
