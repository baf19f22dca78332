/**
 * What happens to a build, as it happens: a loop over the same answers that polls get, at the pace at which they are
 * remembered, so that a thousand listeners in an isolate cost what one poller costs. Nothing is pushed to it and it holds
 * nothing that must be told off: a Worker may be evicted at any time, and its listeners come back with their ids.
 */
import { doneBody, failedBody } from '../../shared/build/build-result.ts';
import {
  endEvent,
  newcomer,
  type Telling,
  type Told,
  tellLog,
  tellState,
  turnTo,
} from '../../shared/build/build-telling.ts';
import type { OpenPoint } from '../../shared/http/resume-point.ts';
import { eventText, HEARTBEAT_TEXT, retryText, type ServerSentEvent } from '../../shared/http/server-sent-event.ts';
import { type BuildAnswer, findBuild } from '../builds/find-build.ts';
import type { EdgeContext } from '../edge-context.ts';
import { logError } from '../log.ts';
import { pendingMs } from '../results/pending-builds.ts';

const RECONNECT_MS = 3_000;
const HEARTBEAT_MS = 15_000;
/** While a part behind the edge does not answer. */
const BAD_WEATHER_MS = 5_000;
/** A look costs a read of KV, a call to the Foreman and a read of the store; a request may have 1,000 of such. */
const MAX_LOOKS = 240;
/** The rest of a log is wanted, the end of the build more. */
const LAST_LOG_TRIES = 3;

export interface Listening {
  readonly context: EdgeContext;
  readonly requestHash: string;
  /** What was found when the listener came. */
  readonly first: BuildAnswer;
  readonly from: OpenPoint;
}

/** Until the build has ended, nobody knows it any more, or `signal` aborts; ends without an error in all of these. */
export async function* buildEvents(
  { context, requestHash, first, from }: Listening,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const listener = new Listener(context, from, signal);
  yield retryText(RECONNECT_MS);
  let saidAt = Date.now();
  let answer: BuildAnswer | null | undefined = first;
  for (let looks = 1; looks < MAX_LOOKS && !signal.aborted; looks += 1) {
    for await (const event of answer ? listener.tell(answer) : []) {
      yield eventText(event);
      saidAt = Date.now();
    }
    // Whoever listens to a build that is forgotten comes back once more and gets the 404.
    if (answer === null || (answer && answer.state !== 'pending')) return;
    const waitMs = answer ? pendingMs(answer.status) : BAD_WEATHER_MS;
    if (Date.now() + waitMs - saidAt > HEARTBEAT_MS) {
      yield HEARTBEAT_TEXT;
      saidAt = Date.now();
    }
    await scheduler.wait(waitMs, { signal }).catch(() => undefined);
    answer = await look(context, requestHash, signal);
  }
}

/** Undefined where it cannot be told now. */
async function look(
  context: EdgeContext,
  requestHash: string,
  signal: AbortSignal,
): Promise<BuildAnswer | null | undefined> {
  try {
    return await findBuild(context, requestHash, { signal });
  } catch (error) {
    if (!signal.aborted) logError('a listener’s build cannot be looked up now', { error });
    return undefined;
  }
}

/** One listener: what it was told, and what is news to it. */
class Listener {
  readonly #context: EdgeContext;
  readonly #signal: AbortSignal;
  #told: Told;

  constructor(context: EdgeContext, from: OpenPoint, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
    this.#told = newcomer(from);
  }

  async *tell(answer: BuildAnswer): AsyncGenerator<ServerSentEvent, void, undefined> {
    const lease = leaseOf(answer);
    if (lease !== undefined) yield* this.#say(turnTo(this.#told, lease?.id ?? null));
    if (answer.state === 'pending') yield* this.#say(tellState(this.#told, answer.status));
    if (lease?.hasLog) yield* this.#tellLog(lease.id, answer.state !== 'pending');
    if (answer.state === 'built') yield endEvent('done', doneBody(answer.built.pieces, answer.built.echoJson));
    if (answer.state === 'failed') yield endEvent('failed', JSON.stringify(failedBody(answer.failed.failure)));
  }

  /** What is there of the log. Without its store a build is still told of. */
  async *#tellLog(leaseId: string, isOver: boolean): AsyncGenerator<ServerSentEvent, void, undefined> {
    for (let failures = 0; failures < (isOver ? LAST_LOG_TRIES : 1); ) {
      try {
        for (;;) {
          const piece = this.#told.point.kind === 'log' ? this.#told.point.piece + 1 : 1;
          const text = await this.#context.events.logs.read(leaseId, piece, isOver, this.#signal);
          if (text === null) return;
          yield* this.#say(tellLog(this.#told, text));
        }
      } catch (error) {
        if (this.#signal.aborted) return;
        failures += 1;
        logError('a log cannot be read now', { error });
        if (isOver) await scheduler.wait(1_000, { signal: this.#signal }).catch(() => undefined);
      }
    }
  }

  #say({ told, events }: Telling): readonly ServerSentEvent[] {
    this.#told = told;
    return events;
  }
}

/** Whose try counts; null: nobody is at it. Undefined: it is not known who was, and what was told of it stands. */
function leaseOf(answer: BuildAnswer): { readonly id: string; readonly hasLog: boolean } | null | undefined {
  if (answer.state === 'built') {
    const { leaseId, private: isPrivate } = answer.built.record;
    return { id: leaseId, hasLog: !isPrivate };
  }
  if (answer.state === 'failed') {
    const { leaseId, private: isPrivate } = answer.failed.failure;
    return leaseId ? { id: leaseId, hasLog: !isPrivate } : undefined;
  }
  const { status } = answer;
  if (status.state === 'queued' || status.leaseId === null) return null;
  return { id: status.leaseId, hasLog: !status.isPrivate };
}
