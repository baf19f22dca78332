/**
 * An isolate of the edge, as far as it keeps calls from the Foreman: with the edge's own memory of builds that are under way, and
 * its own lifetimes. What was built is answered from KV or the store, and costs the Foreman nothing.
 */
import { SubmissionDesk } from '../../edge/builds/submission-desk.ts';
import type { ForemanCalls } from '../../edge/edge-context.ts';
import { MAX_STATUSES } from '../../edge/foreman/queue/build-status.ts';
import type { Submission } from '../../edge/foreman/queue/queue.ts';
import type { SubmitAnswer } from '../../edge/foreman/queue/take-submission.ts';
import { PendingBuilds, type PendingStatus } from '../../edge/results/pending-builds.ts';
import { resultKey } from '../../edge/results/result-key.ts';
import type { BuildStatus } from '../../shared/build/build-state.ts';
import type { FakeTime } from './fake-time.ts';
import { EDGE } from './parameters.ts';
import type { MemoryKv } from './surroundings.ts';
import { submissionOf, type Wish } from './wishes.ts';

export interface IsolateSurroundings {
  readonly time: FakeTime;
  readonly foreman: ForemanCalls;
  readonly kv: MemoryKv;
  /** The Foreman said this. */
  readonly onTold: (status: BuildStatus) => void;
}

/** Nobody leaves before he is answered. */
const PATIENT = new AbortController();

export class EdgeIsolate {
  readonly #world: IsolateSurroundings;
  readonly #pending: PendingBuilds;
  readonly #submissions: SubmissionDesk;
  readonly #kvMisses = new Map<string, number>();

  constructor(world: IsolateSurroundings) {
    this.#world = world;
    const { time } = world;
    const clock = { now: () => time.now };
    this.#pending = new PendingBuilds(clock);
    this.#submissions = new SubmissionDesk({ clock, wait: (ms) => time.wait(ms), waitUntil: () => {} });
  }

  /** Answered without the Foreman. The store tells of what KV does not know yet. */
  hasResult(wish: Wish): boolean {
    return this.#world.kv.has(resultKey.intent(wish.intentHash));
  }

  /** Null: there is no room in the queue. */
  async post(wish: Wish, clientKey: string): Promise<{ readonly status: BuildStatus; readonly isNew: boolean } | null> {
    const answer = await this.#submissions.submit(submissionOf(wish, clientKey), (all) => this.#send(all), PATIENT);
    if (!answer.accepted && answer.why === 'fault') throw new Error('expected the Foreman to take every submission');
    if (!answer.accepted) return null;
    this.#heard(answer.status);
    return answer;
  }

  async #send(submissions: readonly Submission[]): Promise<readonly SubmitAnswer[]> {
    const { answers, others } = await this.#world.foreman.submit(submissions, this.#pending.due(MAX_STATUSES));
    this.#heardAll(others);
    return answers;
  }

  /** The Foreman said it once. */
  remember(status: PendingStatus): void {
    this.#pending.remember(status);
  }

  /** What it knows by itself; undefined where it has to ask. */
  remembered(requestHash: string): PendingStatus | undefined {
    return this.#pending.get(requestHash);
  }

  /** 'over': there is a result, and this client has it now. */
  async poll(requestHash: string): Promise<BuildStatus | 'over'> {
    const { foreman, kv, time } = this.#world;
    const key = resultKey.build(requestHash);
    const isBlind = (this.#kvMisses.get(requestHash) ?? 0) > time.now;
    if (!isBlind && kv.has(key)) return 'over';
    // As the store says, which knows of everything that is done.
    if (this.#pending.isDone(requestHash)) return 'over';
    if (!isBlind) this.#kvMisses.set(requestHash, time.now + EDGE.kvMissMs);
    const others = this.#pending.due(MAX_STATUSES - 1).filter((hash) => hash !== requestHash);
    const [status, ...more] = await foreman.status([requestHash, ...others]);
    this.#heardAll(more);
    // Of what it forgot the store still knows.
    if (!status || status.state === 'done' || status.state === 'failed') {
      this.#kvMisses.delete(requestHash);
      return status?.state === 'failed' ? status : 'over';
    }
    this.#heard(status);
    return status;
  }

  #heardAll(statuses: readonly (BuildStatus | null)[]): void {
    for (const status of statuses)
      if (status?.state === 'queued' || status?.state === 'running') this.#world.onTold(status);
    this.#pending.rememberAll(statuses);
  }

  #heard(status: BuildStatus): void {
    this.#world.onTold(status);
    if (status.state === 'queued' || status.state === 'running') this.#pending.remember(status);
  }
}
