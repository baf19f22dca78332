/**
 * A way between two processes that is watched and can fail: each request is seen, and goes through byte by byte, is withheld, is cut
 * in its middle, or is answered by somebody else. Nothing of a body is kept, so it may be large. The Host header stays as it
 * was, since signatures cover it.
 */
import { createServer, request as httpRequest } from 'node:http';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Listening, listening } from '../listening.ts';

export interface Seen {
  readonly method: string;
  /** With query. */
  readonly path: string;
  /** Of its body, as far as they came. */
  bytes: number;
  /** 0 before it is answered. */
  status: number;
}

export type Fate = 'through' | 'withheld' | { readonly cutAfterBytes: number } | { readonly status: number };

export interface WatchedLine extends Listening {
  /** In the order in which they came. */
  readonly seen: readonly Seen[];
  /** Asked for each request; replaces the one before. */
  setFate(fate: (seen: Seen) => Fate): void;
}

export async function watchedLine(targetUrl: string): Promise<WatchedLine> {
  const target = new URL(targetUrl);
  const seen: Seen[] = [];
  let fateOf: (seen: Seen) => Fate = () => 'through';
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    const here: Seen = { method, path, bytes: 0, status: 0 };
    seen.push(here);
    const fate = fateOf(here);
    if (fate === 'withheld') return;
    const end = (status: number) => {
      here.status = status;
      outgoing.writeHead(status, { connection: 'close' }).end();
    };
    if (fate !== 'through' && 'status' in fate) {
      incoming.resume().once('end', () => end(fate.status));
      return;
    }
    const limit = fate === 'through' ? Number.POSITIVE_INFINITY : fate.cutAfterBytes;
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        here.bytes += chunk.length;
        done(here.bytes > limit ? new Error('cut') : null, chunk);
      },
    });
    const cut = () => {
      onward.destroy();
      incoming.destroy();
      outgoing.destroy();
    };
    const onward = httpRequest({ host: target.hostname, port: target.port, method, path, headers }, (answer) => {
      here.status = answer.statusCode ?? 0;
      outgoing.writeHead(here.status, answer.headers);
      // Swift ends the body that an answer to HEAD does not have.
      if (method === 'HEAD') outgoing.end();
      else pipeline(answer, outgoing).catch(() => outgoing.destroy());
    });
    onward.on('error', () => here.status > 0 || cut());
    pipeline(incoming, counted, onward).catch(() => here.status > 0 || cut());
  });
  return {
    ...(await listening(server)),
    seen,
    setFate: (next) => {
      fateOf = next;
    },
  };
}
