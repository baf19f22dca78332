/** A client of a build's event stream over a real socket, that can be cut off and come back as a browser does. */
import { EventReader } from '../../shared/http/server-sent-event.fixture.ts';
import type { ServerSentEvent } from '../../shared/http/server-sent-event.ts';

export class BuildListener {
  /** All that was ever heard, over all connections. */
  readonly heard: ServerSentEvent[] = [];
  readonly #url: string;
  #lastEventId: string | undefined;
  #line = new AbortController();
  #ended: Promise<'end' | 'cut' | number> = Promise.resolve('cut');

  constructor(url: string, hash: string) {
    this.#url = `${url}/api/v1/build/${hash}/events`;
  }

  /** Where a stream has one, its last word; what comes before is a try that may be cut. */
  get last(): ServerSentEvent | undefined {
    return this.heard.at(-1);
  }

  get lines(): string[] {
    return this.heard.filter(({ event }) => event === 'log').flatMap(({ data }) => data.split('\n'));
  }

  get events(): string[] {
    return this.heard.map(({ event }) => event);
  }

  /** Resolves when the answer is there, with its status; what it says is heard from then on. */
  async connect(): Promise<number> {
    this.#line = new AbortController();
    const headers: Record<string, string> =
      this.#lastEventId === undefined ? {} : { 'last-event-id': this.#lastEventId };
    const response = await fetch(this.#url, { headers, signal: this.#line.signal });
    this.#ended = this.#read(response);
    return response.status;
  }

  /** Listens until there is nothing more to hear, and comes back each time that the stream ends or breaks before that. */
  async toTheEnd(): Promise<ServerSentEvent | undefined> {
    for (;;) {
      const ended = await this.#ended;
      if (typeof ended === 'number') throw new Error(`expected a stream, got status ${ended}`);
      if (this.last?.id === 'end') return this.last;
      await this.connect();
    }
  }

  /** The line breaks: whatever is on it is lost. */
  async cut(): Promise<void> {
    this.#line.abort();
    await this.#ended;
  }

  async #read(response: Response): Promise<'end' | 'cut' | number> {
    if (response.status !== 200 || !response.body) return response.status;
    const reader = new EventReader();
    try {
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        this.heard.push(...reader.push(chunk));
        this.#lastEventId = this.heard.at(-1)?.id ?? this.#lastEventId;
      }
      return 'end';
    } catch {
      return 'cut';
    }
  }
}
