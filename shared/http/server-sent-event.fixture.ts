/** A reader of server-sent events as browsers are told to be one (HTML Standard, 9.2.6), for tests on both sides. */
import type { ServerSentEvent } from './server-sent-event.ts';

export class EventReader {
  /** What a browser would send when it comes back. */
  lastEventId = '';
  retryMs: number | undefined;
  comments = 0;
  #rest = '';
  #event = '';
  #data: string[] = [];

  /** The events that are whole by now. Of a stream that breaks off, the last one may be lost: so it is with browsers. */
  push(text: string): ServerSentEvent[] {
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line: string): ServerSentEvent[] {
    if (line === '') return this.#dispatch();
    const [name = '', value = ''] = line.split(/:(.*)/s).map((part, at) => (at === 1 ? part.replace(/^ /, '') : part));
    if (line.startsWith(':')) this.comments += 1;
    else if (name === 'event') this.#event = value;
    else if (name === 'data') this.#data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.lastEventId = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
    return [];
  }

  #dispatch(): ServerSentEvent[] {
    const data = this.#data.splice(0);
    const event = this.#event || 'message';
    this.#event = '';
    return data.length === 0 ? [] : [{ event, id: this.lastEventId, data: data.join('\n') }];
  }
}
