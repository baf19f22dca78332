/** A client of event streams, for tests: reads one event after the other, goes away when it is told to. */
import { EventReader } from '../../shared/http/server-sent-event.fixture.ts';
import type { ServerSentEvent } from '../../shared/http/server-sent-event.ts';
import { ask } from '../edge.fixture.ts';

export interface Listened {
  readonly response: Response;
  /** What a browser knows of the stream. */
  readonly reader: EventReader;
  /** Of all that came so far. */
  readonly heard: ServerSentEvent[];
  /** The next event; undefined at the end of the stream. */
  next(): Promise<ServerSentEvent | undefined>;
  /** Reads on until there is such an event. @throws at the end of the stream */
  until(isIt: (event: ServerSentEvent) => boolean): Promise<ServerSentEvent>;
  /** Reads to the end. */
  rest(): Promise<ServerSentEvent[]>;
  /** As a client whose line breaks. */
  leave(): Promise<void>;
}

export async function listen(hash: string, lastEventId?: string, query = ''): Promise<Listened> {
  const gone = new AbortController();
  const headers: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const response = await ask(`/api/v1/build/${hash}/events${query}`, { headers, signal: gone.signal });
  const body = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const reader = new EventReader();
  const heard: ServerSentEvent[] = [];
  const waiting: ServerSentEvent[] = [];
  const next = async (): Promise<ServerSentEvent | undefined> => {
    while (waiting.length === 0) {
      const chunk = await body?.read();
      if (!chunk || chunk.done) return undefined;
      waiting.push(...reader.push(chunk.value));
    }
    const event = waiting.shift();
    if (event) heard.push(event);
    return event;
  };
  return {
    response,
    reader,
    heard,
    next,
    async until(isIt) {
      for (;;) {
        const event = await next();
        if (!event) throw new Error(`expected another event, got the end behind ${JSON.stringify(heard.at(-1))}`);
        if (isIt(event)) return event;
      }
    },
    async rest() {
      for (;;) if (!(await next())) return heard;
    },
    async leave() {
      gone.abort();
      await body?.cancel().catch(() => undefined);
    },
  };
}

export const linesOf = (events: readonly ServerSentEvent[]): string[] =>
  events.filter(({ event }) => event === 'log').flatMap(({ data }) => data.split('\n'));
