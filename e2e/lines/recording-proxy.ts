/** Stands before the edge, hears whatever a node says to it, and can say all of it again: who is on the line can do no more. */
import { createServer } from 'node:http';
import { type Listening, listening } from '../listening.ts';

export interface RecordingProxy extends Listening {
  /** Says every call of `path` again, byte by byte, in order; their statuses. */
  replay(path: RegExp): Promise<number[]>;
}

interface Heard {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** Of the connection alone; `fetch` makes its own. */
const OF_THE_LINE = ['host', 'connection', 'keep-alive', 'content-length', 'transfer-encoding'];

export async function recordingProxy(targetUrl: string): Promise<RecordingProxy> {
  const heard: Heard[] = [];
  const say = ({ method, url, headers, body }: Heard): Promise<Response> =>
    fetch(`${targetUrl}${url}`, { method, headers, ...(method !== 'GET' && { body: new Uint8Array(body) }) });
  const server = createServer(async (incoming, outgoing) => {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      const { method = 'GET', url = '/' } = incoming;
      const headers = new Headers(incoming.headers as Record<string, string>);
      for (const name of OF_THE_LINE) headers.delete(name);
      headers.set('accept-encoding', 'identity');
      const call: Heard = { method, url, headers, body: Buffer.concat(chunks) };
      heard.push(call);
      const answer = await say(call);
      const told = new Headers(answer.headers);
      for (const name of OF_THE_LINE) told.delete(name);
      outgoing.writeHead(answer.status, Object.fromEntries(told));
      outgoing.end(Buffer.from(await answer.arrayBuffer()));
    } catch {
      outgoing.destroy();
    }
  });
  return {
    ...(await listening(server)),
    replay: async (path) => {
      const statuses = [];
      for (const call of heard.filter(({ url }) => path.test(url))) {
        const answer = await say(call);
        await answer.arrayBuffer();
        statuses.push(answer.status);
      }
      return statuses;
    },
  };
}
