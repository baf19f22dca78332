/**
 * A stream of texts as the body of an answer: the next one is made when the reader wants it, so that one who does not read
 * costs no memory and asks for nothing. It ends with its texts, with its time, or with its reader, whichever is first.
 */
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
  const end = (): void => {
    if (hasEnded) return;
    hasEnded = true;
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

  let isCancelled = false;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await texts.next().catch((error: unknown) => {
          if (!over.signal.aborted) console.error(`an event stream broke: ${error}`);
          return { done: true, value: undefined } as const;
        });
        if (!next.done) {
          controller.enqueue(utf8.encode(next.value));
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
