/**
 * From callbacks to something that can be iterated. Progress comes when it comes; the reader takes it when it can. Only the
 * last of several steps' progress is worth keeping when the reader is slow, so the queue stays short by itself.
 */

export class EventChannel<Event> {
  readonly #queue: Event[] = [];
  readonly #replaces: (later: Event, earlier: Event) => boolean;
  #closed = false;
  #wake: (() => void) | undefined;

  /** @param replaces true where `later` makes `earlier`, which nobody has taken yet, superfluous */
  constructor(replaces: (later: Event, earlier: Event) => boolean) {
    this.#replaces = replaces;
  }

  push(event: Event): void {
    const last = this.#queue.at(-1);
    if (last !== undefined && this.#replaces(event, last)) this.#queue.pop();
    this.#queue.push(event);
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event> {
    for (;;) {
      const event = this.#queue.shift();
      if (event !== undefined) yield event;
      else if (this.#closed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
