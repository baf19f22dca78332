/** What the event streams of an isolate share: the logs read lately, and how many there may be. */
import type { ObjectStore } from '../storage/object-store.ts';
import { LogPieces } from './log-pieces.ts';
import { OpenStreams } from './open-streams.ts';

/** Longer than most builds; whoever listens still is back within seconds. */
export const STREAM_MS = 10 * 60_000;
const MAX_STREAMS = 1_000;
/** A household follows a few builds; a page for developers some dozen. */
const MAX_STREAMS_OF_ONE = 50;

export class EventDesk {
  readonly logs: LogPieces;
  readonly open = new OpenStreams(MAX_STREAMS, MAX_STREAMS_OF_ONE, STREAM_MS);

  constructor(store: ObjectStore) {
    this.logs = new LogPieces(store);
  }
}
