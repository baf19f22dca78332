/**
 * A stream of texts as the body of an answer: the next one is made when the reader wants it, so that one who does not read
 * costs no memory and asks for nothing. It ends with its texts, with its time, or with its reader, whichever is first.
 */
import { logError } from '../log.ts';

const utf8 = new TextEncoder();

export interface EventBodyOptions {
  /** Aborts when the client is gone. */
  readonly client: AbortSignal;
  readonly lifeMs: number;
  /** Called once, however it ended. */
  readonly onEnd: () => void;
}

/** `write`: makes the texts; it should end when its signal aborts. */
export function eventBody(
  write: (signal: AbortSignal) => AsyncGenerator<string, void, undefined>,
  { client, lifeMs, onEnd }: EventBodyOptions,
): ReadableStream<Uint8Array> {
  const over = new AbortController();
  let hasEnded = false;
  let isPulling = false;
  let isCancelled = false;
  let body: ReadableStreamDefaultController<Uint8Array> | undefined;
  const end = (): void => {
    if (hasEnded) return;
    hasEnded = true;
    // Of a reader who does not read: no pull will come that could close it.
    if (!isPulling && !isCancelled) body?.close();
    clearTimeout(life);
    client.removeEventListener('abort', end);
    over.abort(new Error('the stream is over'));
    onEnd();
  };
  const life = setTimeout(end, lifeMs);
  // That a client is gone shows when something is written to it, hence the heartbeats. Not every release of the runtime
  // cancels the body then; all of them abort the request's signal.
  client.addEventListener('abort', end, { once: true });
  if (client.aborted) end();
  const texts = write(over.signal);

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        body = controller;
        if (hasEnded) controller.close();
      },
      async pull(controller) {
        isPulling = true;
        const next = await texts.next().catch((error: unknown) => {
          if (!over.signal.aborted) logError('an event stream broke', { error });
          return { done: true, value: undefined } as const;
        });
        if (!next.done && !isCancelled) {
          controller.enqueue(utf8.encode(next.value));
          isPulling = false;
          if (hasEnded) controller.close();
          return;
        }
        end();
        if (!isCancelled) controller.close();
      },
      cancel() {
        isCancelled = true;
        end();
      },
    },
    { highWaterMark: 0 },
  );
}
