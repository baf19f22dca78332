/**
 * A reader of server-sent events (HTML Standard, section 9.2.6) over the bytes of a body. What comes is kept only up to a limit:
 * a stream may last as long as a build, and none of its lines has to end.
 */
import type { ServerSentEvent } from '../../shared/http/server-sent-event.ts';
import { BadAnswer } from './faults.ts';

/** The answer about a finished image is the longest of them. */
const MAX_EVENT_CHARACTERS = 4 * 1024 ** 2;

/** `onBytes`: something came, be it only what keeps the line open. @throws BadAnswer for an event without end */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  const reader = new EventLines();
  for await (const chunk of body) {
    onBytes();
    yield* reader.push(decoder.decode(chunk, { stream: true }));
  }
}

/** Events that are whole by now; of a stream that breaks off, the last one is lost, and told again to who comes back. */
export class EventLines {
  /** The line that has not ended yet. */
  #rest = '';
  /** Half of its end, perhaps. */
  #return = '';
  #event = '';
  #data: string[] = [];
  /** Of the event that is not whole yet; a line without any counts too, for a million of them are kept as well. */
  #characters = 0;
  #id = '';

  push(text: string): ServerSentEvent[] {
    // What is kept is not looked through again: a line of megabytes may come in thousands of pieces.
    const fresh = this.#return + text;
    this.#return = fresh.endsWith('\r') ? '\r' : '';
    const [rest = '', ...more] = fresh.slice(0, fresh.length - this.#return.length).split(/\r\n|\r|\n/);
    this.#rest += rest;
    const lines = more.map((next) => {
      const line = this.#rest;
      this.#rest = next;
      return line;
    });
    const events = lines.flatMap((line) => this.#line(line));
    if (this.#rest.length + this.#characters > MAX_EVENT_CHARACTERS)
      throw new BadAnswer(`expected events of at most ${MAX_EVENT_CHARACTERS} characters, got a longer one`);
    return events;
  }

  #line(line: string): ServerSentEvent[] {
    if (line === '') return this.#dispatch();
    this.#characters += line.length + 1;
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#event = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'data') this.#data.push(value);
    return [];
  }

  #dispatch(): ServerSentEvent[] {
    const [event, data] = [this.#event || 'message', this.#data];
    [this.#event, this.#data, this.#characters] = ['', [], 0];
    return data.length === 0 ? [] : [{ event, id: this.#id, data: data.join('\n') }];
  }
}
