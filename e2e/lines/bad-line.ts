/** Stands before the edge and lets uploads through, but for the first of one file: a line breaks, or a store loses what it took. */
import { createServer } from 'node:http';
import { type Listening, listening } from '../listening.ts';

export interface BadLine extends Listening {
  /** Names of the files that came, in order. */
  readonly puts: readonly string[];
}

/** `lose`: its sender is told that all is well. */
export async function badLine(targetUrl: string, badFile: string, fate: 'break' | 'lose'): Promise<BadLine> {
  const puts: string[] = [];
  const server = createServer(async (incoming, outgoing) => {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      const { method = 'GET', url = '/' } = incoming;
      const name = new URL(url, targetUrl).pathname.split('/').at(-1) ?? '';
      const isFirst = !puts.includes(name);
      puts.push(name);
      if (isFirst && name === badFile) {
        if (fate === 'break') outgoing.destroy();
        else outgoing.writeHead(200).end();
        return;
      }
      const headers = new Headers(incoming.headers as Record<string, string>);
      for (const ofTheLine of ['host', 'connection', 'keep-alive', 'content-length']) headers.delete(ofTheLine);
      const answer = await fetch(`${targetUrl}${url}`, { method, headers, body: Buffer.concat(chunks) });
      outgoing.writeHead(answer.status).end(await answer.text());
    } catch {
      outgoing.destroy();
    }
  });
  return {
    ...(await listening(server)),
    puts,
  };
}
