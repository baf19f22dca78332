/**
 * Follows a build to its end: by server-sent events, else by asking every few seconds; over a server that goes away and comes back, over
 * streams that end by themselves. What was told of the log is not told twice: who comes back says which event was the last.
 */
import type { FailedBuild, FinishedBuild, PendingBuild } from '../../../shared/api/build-answers.ts';
import type { Problem } from '../../../shared/api/problem.ts';
import { AskError, ask, isProblem } from '../api/ask.ts';
import { pause, wait } from '../api/pause.ts';
import { isPassing } from '../api/use-asked.ts';
import { MESSAGES } from '../messages.ts';

export type EndedBuild = FinishedBuild | FailedBuild;
export type BuildAnswer = PendingBuild | EndedBuild;

/** What somebody who looks on is told. */
export interface Onlooker {
  /** The server answered. */
  readonly build: (answer: BuildAnswer) => void;
  readonly log: (lines: string) => void;
  /** The log that comes now is another one. */
  readonly restart: () => void;
  /** It does not answer, or not as it should; it is asked again. */
  readonly away: (error: AskError) => void;
  /** It knows of no such build. */
  readonly unknown: () => void;
}

/** As long as other clients wait between two questions. */
const POLL_MS = 5_000;
/** Of what cannot be listened to now (a proxy, too many who listen), so many polls before it is tried again. */
const POLLS_BEFORE_LISTENING = 12;

export const isEnded = (answer: BuildAnswer): answer is EndedBuild => answer.status !== 202;

export async function followBuild(hash: string, onlooker: Onlooker, signal: AbortSignal): Promise<void> {
  const path = `/api/v1/build/${hash}`;
  let lastEvent = '';
  let failures = 0;
  let polls = 0;
  while (!signal.aborted) {
    try {
      const { body } = await ask<BuildAnswer>(path, { signal, accepted: [500] });
      if (!isBuildAnswer(body)) throw new AskError(500, problemOf(body).detail);
      failures = 0;
      onlooker.build(body);
      if (isEnded(body)) return;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof AskError)) throw error;
      if (error.status === 404) return onlooker.unknown();
      onlooker.away(error);
      await (isPassing(error) ? pause(failures, signal) : wait(POLL_MS, signal));
      failures += 1;
      continue;
    }
    if (polls > 0) polls -= 1;
    else {
      const heard = await listen(path, lastEvent, onlooker, signal);
      if (heard.isEnd) return;
      lastEvent = heard.lastEvent;
      if (heard.isOpened) continue;
      polls = POLLS_BEFORE_LISTENING;
    }
    await wait(POLL_MS, signal);
  }
}

interface Heard {
  readonly lastEvent: string;
  readonly isOpened: boolean;
  readonly isEnd: boolean;
}

/** Until the end of the build or of the stream: whether the server is still there is for a question to find out. */
function listen(path: string, lastEvent: string, onlooker: Onlooker, signal: AbortSignal): Promise<Heard> {
  return new Promise((resolve) => {
    const query = lastEvent === '' ? '' : `?last_event_id=${encodeURIComponent(lastEvent)}`;
    const events = new EventSource(`${path}/events${query}`);
    let last = lastEvent;
    let isOpened = false;
    const end = (isEnd: boolean): void => {
      events.close();
      signal.removeEventListener('abort', onAbort);
      resolve({ lastEvent: last, isOpened, isEnd });
    };
    const onAbort = (): void => end(true);
    const on = (name: string, take: (data: string) => void): void =>
      events.addEventListener(name, (event: MessageEvent<string>) => {
        isOpened = true;
        last = event.lastEventId;
        take(event.data);
      });
    on('state', (data) => onlooker.build(JSON.parse(data) as PendingBuild));
    on('log', onlooker.log);
    on('restart', onlooker.restart);
    for (const name of ['done', 'failed'])
      on(name, (data) => {
        onlooker.build(JSON.parse(data) as EndedBuild);
        end(true);
      });
    events.onerror = () => end(false);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}

/** A 500 may also be the server's own trouble, and anything may be something else's. */
export const isBuildAnswer = (body: unknown): body is BuildAnswer =>
  typeof body === 'object' && body !== null && 'request_hash' in body && 'imagebuilder_status' in body;

/** What was answered instead of a build. */
export const problemOf = (body: unknown): Problem =>
  isProblem(body) ? body : { status: 500, title: '', detail: MESSAGES.server.strange };
