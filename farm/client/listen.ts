/**
 * Listens to a build by its event stream, which tells at once what a poll tells seconds later, and what make prints besides. The
 * stream is a comfort: where it is not to be had, or breaks, whoever follows the build asks for the build itself.
 */
import { logLines } from '../../shared/build/build-log.ts';
import { CONNECT_TIMEOUT_MS, open, within } from './ask.ts';
import { buildAnswer, type DoneAnswer, failedAnswer, type PendingAnswer } from './build-answer.ts';
import { BadAnswer, NotNow, type RequestRefused } from './faults.ts';
import { readEvents } from './read-events.ts';

export interface BuildWatcher {
  readonly onPending: (pending: PendingAnswer) => void;
  /** What make printed, fit for a terminal. */
  readonly onLog?: (lines: readonly string[]) => void;
  /** The log begins again, since the build does. */
  readonly onRestart?: () => void;
}

export type Heard =
  | { readonly state: 'done'; readonly done: DoneAnswer }
  | { readonly state: 'failed'; readonly failure: RequestRefused }
  /** The stream ended or broke; `lastId` is where it goes on. */
  | { readonly state: 'cut'; readonly lastId: string }
  | { readonly state: 'not to be had' };

/** A heartbeat comes every 15 s. */
const SILENCE_MS = 60_000;
const MAX_ID = 200;

/** @throws BadAnswer where events are none; the signal's reason. Faults of the network are a cut. */
export async function listen(url: string, lastId: string, watcher: BuildWatcher, signal: AbortSignal): Promise<Heard> {
  let id = lastId;
  try {
    return await within(signal, async (watchdog) => {
      watchdog.expect('an answer', CONNECT_TIMEOUT_MS);
      const headers = { accept: 'text/event-stream', ...(id !== '' && { 'last-event-id': id }) };
      const response = await open(url, { headers }, watchdog.signal);
      const isStream = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '');
      if (response.status !== 200 || !isStream || !response.body) {
        await response.body?.cancel();
        return { state: 'not to be had' };
      }
      const alive = () => watchdog.expect('a sign of life', SILENCE_MS);
      alive();
      for await (const { event, id: eventId, data } of readEvents(response.body, alive)) {
        if (eventId.length <= MAX_ID && /^[!-~]*$/.test(eventId)) id = eventId;
        if (event === 'state') tellPending(data, watcher);
        else if (event === 'log') watcher.onLog?.(logLines(data));
        else if (event === 'restart') watcher.onRestart?.();
        else if (event === 'failed') return { state: 'failed', failure: failedAnswer(data) };
        else if (event === 'done') return { state: 'done', done: doneOf(data) };
      }
      return { state: 'cut', lastId: id };
    });
  } catch (error) {
    if (!(error instanceof NotNow)) throw error;
    return { state: 'cut', lastId: id };
  }
}

function tellPending(data: string, watcher: BuildWatcher): void {
  const answer = buildAnswer(202, jsonOf(data));
  if (answer.state === 'pending') watcher.onPending(answer.pending);
}

function doneOf(data: string): DoneAnswer {
  const answer = buildAnswer(200, jsonOf(data));
  if (answer.state === 'done') return answer.done;
  throw new BadAnswer('expected a finished build at the end of its events, got another state');
}

function jsonOf(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw new BadAnswer('expected JSON in an event of the server, got something else');
  }
}
