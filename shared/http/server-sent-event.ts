/**
 * Server-sent events as they are written on the wire (HTML Standard, section 9.2). Whatever the data holds, it stays the data
 * of its own event: a line break that went out raw would begin a field, or an event, of its writer's choosing.
 */
export interface ServerSentEvent {
  /** Words of ours, without line breaks, as is `id`. */
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** Each line gets its `data:`; a reader puts them together again with `\n`. */
export const eventText = ({ event, id, data }: ServerSentEvent): string =>
  `event: ${event}\nid: ${id}\n${data
    .split(LINE_END)
    .map((line) => `data: ${line}\n`)
    .join('')}\n`;

/** What ends a line for a reader of such a stream, and nothing else does. */
const LINE_END = /\r\n|\r|\n/;

/** Says nothing, and keeps proxies from closing a line on which nothing comes. */
export const HEARTBEAT_TEXT = ':\n\n';

/** How long the reader waits before it connects anew. */
export const retryText = (ms: number): string => `retry: ${ms}\n\n`;
