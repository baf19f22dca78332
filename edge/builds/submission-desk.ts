/**
 * Submissions of one isolate that come within a moment go to the Foreman in one call: on a release day most of its calls would be
 * these. The first one after a quiet moment goes at once; those that come behind it wait until the moment is over, and whoever wakes
 * first sends them all. The others look for what came of theirs: they cannot wait for the promise of another request, which ends with
 * its client. Whoever has no answer when one is long overdue sends what is left once more, as do those whose call failed for a
 * moment only: to ask for a build that was begun joins it.
 */
import { isPassing } from '../durable-object-error.ts';
import type { Submission } from '../foreman/queue/queue.ts';
import type { SubmitAnswer } from '../foreman/queue/take-submission.ts';
import { MAX_SUBMISSIONS } from '../foreman/queue/take-submissions.ts';
import { LIFETIMES } from '../lifetimes.ts';

/** One call takes so much: a body has 256 KiB at most, and what is made of it is some times as long. The first one goes always. */
const MAX_CHARACTERS = 4 * 1024 * 1024;
const LOOK_AGAIN_MS = 50;
/** Then the request that called is gone, or the Foreman hangs. */
const OVERDUE_MS = 5_000;
/** After it was due: whoever is there would have sent it by then. */
const ABANDONED_MS = OVERDUE_MS;

interface Surroundings {
  readonly waitUntil: (work: Promise<unknown>) => void;
  /** Rejects when the signal aborts. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  readonly clock?: { now(): number };
}

interface Asker {
  /** Looked at where there is anything to wait for. */
  readonly signal: AbortSignal;
  /**
   * Heard once, when the Foreman has answered, whether this one is still there or not; null: its call failed, or it was never
   * sent. Not heard as long as it was sent and nothing is known.
   */
  readonly onEnd?: (answer: SubmitAnswer | null) => void;
}

/** Answers in the order of the submissions. */
type Send = (submissions: readonly Submission[]) => Promise<readonly SubmitAnswer[]>;

interface Entry {
  readonly submission: Submission;
  readonly asker: Asker;
  /** And no call has failed with it. */
  isSent: boolean;
  /** A call has failed with it. */
  hasFailed: boolean;
  /** When it is to be sent, or sent once more. */
  dueAt: number;
  /** Values only. The first that is heard counts. */
  outcome: Outcome | null;
}

type Outcome = { readonly answer: SubmitAnswer } | { readonly error: unknown };

export class SubmissionDesk {
  readonly #waitUntil: Surroundings['waitUntil'];
  readonly #wait: NonNullable<Surroundings['wait']>;
  readonly #clock: { now(): number };
  /** Those that somebody waits for, in the order in which they came. */
  readonly #entries = new Set<Entry>();
  #sentAt = Number.NEGATIVE_INFINITY;

  constructor({ waitUntil, wait = waitFor, clock = performance }: Surroundings) {
    this.#waitUntil = waitUntil;
    this.#wait = wait;
    this.#clock = clock;
  }

  /**
   * What the Foreman says of this one, whoever asks it.
   * @throws what the call threw in which it was; the signal's reason
   */
  async submit(submission: Submission, send: Send, asker: Asker): Promise<SubmitAnswer> {
    const now = this.#clock.now();
    const entry: Entry = { submission, asker, isSent: false, hasFailed: false, dueAt: now, outcome: null };
    this.#entries.add(entry);
    try {
      const earlyMs = this.#sentAt + LIFETIMES.submissionsMs - now;
      if (earlyMs > 0) await this.#wait(earlyMs, asker.signal);
      for (;;) {
        if (isToBeSent(entry, this.#clock.now())) await this.#call(entry, send);
        if (entry.outcome !== null) break;
        await this.#wait(LOOK_AGAIN_MS, asker.signal);
      }
    } catch (error) {
      if (!entry.isSent) end(entry, { error });
      throw error;
    } finally {
      this.#entries.delete(entry);
    }
    if ('error' in entry.outcome) throw entry.outcome.error;
    return entry.outcome.answer;
  }

  /** Goes on when the client of this one is gone: others wait for theirs. */
  async #call(own: Entry, send: Send): Promise<void> {
    let isRunning = true;
    const call = this.#settle(this.#takeBatch(own), send).finally(() => {
      isRunning = false;
    });
    this.#waitUntil(call);
    // One that hangs is left alone when it is overdue.
    while (isRunning && own.outcome === null && this.#clock.now() < own.dueAt)
      await Promise.race([call, this.#wait(LOOK_AGAIN_MS)]);
  }

  /** Rejects never. */
  async #settle(batch: readonly Entry[], send: Send): Promise<void> {
    try {
      const answers = await send(batch.map(({ submission }) => submission));
      for (const [at, entry] of batch.entries()) {
        const answer = answers[at];
        end(entry, answer ? { answer } : { error: new Error('expected an answer to each submission') });
      }
    } catch (error) {
      for (const entry of batch) {
        if (entry.hasFailed || !isPassing(error)) end(entry, { error });
        else this.#putBack(entry);
      }
    }
  }

  /** To be sent once more, in a moment. */
  #putBack(entry: Entry): void {
    entry.hasFailed = true;
    entry.isSent = false;
    entry.dueAt = this.#clock.now() + LOOK_AGAIN_MS;
  }

  /** This one, and of the others what is to be sent as well and has room. */
  #takeBatch(own: Entry): Entry[] {
    const now = this.#clock.now();
    const batch = [own];
    let characters = lengthOf(own);
    for (const entry of this.#entries) {
      if (now - entry.dueAt > ABANDONED_MS) this.#entries.delete(entry);
      else if (entry !== own && isToBeSent(entry, now)) {
        characters += lengthOf(entry);
        if (batch.length === MAX_SUBMISSIONS || characters > MAX_CHARACTERS) break;
        batch.push(entry);
      }
    }
    for (const entry of batch) {
      entry.isSent = true;
      entry.dueAt = now + OVERDUE_MS;
    }
    this.#sentAt = now;
    return batch;
  }
}

const waitFor: NonNullable<Surroundings['wait']> = (ms, signal) => scheduler.wait(ms, signal && { signal });

const isToBeSent = ({ dueAt, outcome }: Entry, now: number): boolean => outcome === null && now >= dueAt;

const lengthOf = ({ submission }: Entry): number => JSON.stringify(submission).length;

function end(entry: Entry, outcome: Outcome): void {
  if (entry.outcome !== null) return;
  entry.outcome = outcome;
  entry.asker.onEnd?.('answer' in outcome ? outcome.answer : null);
}
