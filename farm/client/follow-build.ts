/**
 * A build from the wish to the image, whatever happens on the way: asked for, listened to, polled where there is nothing to
 * listen to, and asked for again where the server has forgotten it. A build belongs to the server, so who follows it may go and
 * come back with its hash.
 */
import { backoffMs, pause } from '../backoff.ts';
import { ask } from './ask.ts';
import { type BuildAnswer, buildAnswer, type DoneAnswer } from './build-answer.ts';
import { RequestRefused } from './faults.ts';
import { type BuildWatcher, type Heard, listen } from './listen.ts';
import type { Patience } from './patience.ts';

export interface ImageRequest {
  readonly version: string;
  readonly target: string;
  readonly profile: string;
  readonly [field: string]: unknown;
}

export type Wish =
  | { readonly kind: 'request'; readonly request: ImageRequest }
  | { readonly kind: 'hash'; readonly hash: string };

export interface FollowWatcher extends BuildWatcher {
  /** By which the build can be followed again; told again if the server gives it another. */
  readonly onHash?: (hash: string) => void;
  /** From now on the build is polled, and its log not told. */
  readonly onDeaf?: () => void;
}

const POLL_MS = 2_000;
/** A server that cuts each stream is not asked without a pause, and less and less often; one that ended after a while is no fault. */
const CUT = { firstMs: 500, mostMs: 5_000, isSteadyAfterMs: 60_000 } as const;
/** How often a build that the server does not know any more is asked for anew. */
const MAX_ANEW = 3;

export const postBuild = async (serverUrl: string, request: ImageRequest, signal: AbortSignal): Promise<BuildAnswer> =>
  answerOf(await ask(`${serverUrl}/api/v1/build`, { method: 'POST', body: JSON.stringify(request) }, signal));

const getBuild = async (serverUrl: string, hash: string, signal: AbortSignal): Promise<BuildAnswer> =>
  answerOf(await ask(`${serverUrl}/api/v1/build/${hash}`, {}, signal));

const answerOf = ({ status, json }: { readonly status: number; readonly json: unknown }): BuildAnswer =>
  buildAnswer(status === 202 ? 202 : 200, json);

/** The first answer: asks for the build, or after it. */
export const beginBuild = (
  serverUrl: string,
  wish: Wish,
  patience: Patience,
  signal: AbortSignal,
): Promise<BuildAnswer> =>
  patience.persist(
    () =>
      wish.kind === 'request' ? postBuild(serverUrl, wish.request, signal) : getBuild(serverUrl, wish.hash, signal),
    signal,
  );

export const hashOf = (answer: BuildAnswer): string =>
  answer.state === 'done' ? answer.done.request_hash : answer.pending.request_hash;

/** @throws RequestRefused, NotNow, BadAnswer (faults.ts); the signal's reason */
export async function followBuild(
  serverUrl: string,
  wish: Wish,
  patience: Patience,
  watcher: FollowWatcher,
  signal: AbortSignal,
): Promise<DoneAnswer> {
  let answer = await beginBuild(serverUrl, wish, patience, signal);
  let hash = '';
  let lastId = '';
  let canListen = true;
  let cuts = 0;
  for (let anew = 0; ; ) {
    if (hash !== hashOf(answer)) {
      hash = hashOf(answer);
      lastId = '';
      watcher.onHash?.(hash);
    }
    if (answer.state === 'done') return answer.done;
    watcher.onPending(answer.pending);
    const sinceMs = performance.now();
    const heard: Heard = canListen
      ? await listen(`${serverUrl}/api/v1/build/${hash}/events`, lastId, watcher, signal)
      : { state: 'not to be had' };
    if (heard.state === 'done') return heard.done;
    if (heard.state === 'failed') throw heard.failure;
    if (heard.state === 'cut') {
      lastId = heard.lastId;
      cuts = performance.now() - sinceMs > CUT.isSteadyAfterMs ? 1 : cuts + 1;
      await pause(backoffMs(cuts, Math.random(), CUT.firstMs, CUT.mostMs), signal);
    } else {
      if (canListen) watcher.onDeaf?.();
      canListen = false;
      await pause(POLL_MS * (0.75 + Math.random() / 2), signal);
    }
    try {
      answer = await patience.persist(() => getBuild(serverUrl, hash, signal), signal);
    } catch (error) {
      const isForgotten = error instanceof RequestRefused && error.status === 404;
      if (!isForgotten || wish.kind === 'hash' || ++anew > MAX_ANEW) throw error;
      answer = await beginBuild(serverUrl, wish, patience, signal);
    }
  }
}
