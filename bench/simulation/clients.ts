/**
 * Everybody who asks for an image and waits for it (docs/clients.md): through one isolate of the edge, again and again, until there is
 * one or patience ends.
 */
import type { ForemanCalls } from '../../edge/edge-context.ts';
import type { PendingStatus } from '../../edge/results/pending-builds.ts';
import { requestEcho } from '../../shared/build/build-record.fixture.ts';
import type { BuildStatus } from '../../shared/build/build-state.ts';
import { ZipfRanks } from '../random.ts';
import { exponential } from './distributions.ts';
import { EdgeIsolate } from './edge-isolate.ts';
import type { FakeTime } from './fake-time.ts';
import type { Ledger } from './ledger.ts';
import { CLIENTS, type ClientKind, DAY, EDGE, FARM, scaled } from './parameters.ts';
import type { MemoryKv } from './surroundings.ts';
import type { Wish, Wishes } from './wishes.ts';

export interface ClientSurroundings {
  readonly time: FakeTime;
  readonly random: () => number;
  readonly scale: number;
  readonly foreman: ForemanCalls;
  readonly kv: MemoryKv;
  readonly wishes: Wishes;
  readonly ledger: Ledger;
}

export class Clients {
  readonly #world: ClientSurroundings;
  readonly #isolates: readonly EdgeIsolate[];
  readonly #ranks: ZipfRanks;
  requests = 0;
  /** Of them, answered without the Foreman. */
  hits = 0;
  polls = 0;
  /** Of those who waited to the end; milliseconds. */
  readonly waits: number[] = [];

  constructor(world: ClientSurroundings) {
    const { time, foreman, kv, ledger, scale } = world;
    this.#world = world;
    this.#ranks = new ZipfRanks(scaled(DAY.wishes, scale));
    const onTold = (status: BuildStatus) => ledger.tell(status, time.now);
    this.#isolates = Array.from(
      { length: scaled(EDGE.isolates, scale) },
      () => new EdgeIsolate({ time, foreman, kv, onTold }),
    );
  }

  /** Somebody of the day. */
  async request(): Promise<void> {
    const { time, random, scale, wishes, ledger } = this.#world;
    this.requests += 1;
    const wanted = wishes.wish(this.#ranks.draw(random));
    const isolate = this.#anIsolate();
    const kind = this.#aKind();
    if (isolate.hasResult(wanted)) {
      this.hits += 1;
      return;
    }
    const client = `client-${Math.floor(random() * scaled(DAY.requests / 2, scale))}`;
    const answer = await isolate.post(wanted, client);
    if (!answer) return;
    const { status } = answer;
    if (status.state === 'done' || status.state === 'failed') return;
    if (answer.isNew) {
      ledger.accept(status.requestHash, wanted, client, time.now);
      // Before it was accepted the ledger knew of nothing to be told of.
      ledger.tell(status, time.now);
    }
    this.#wait(isolate, status.requestHash, kind);
  }

  /**
   * Whoever waits since before the day, as if it had been submitted within the last `withinMs`, in this isolate, as each of them was
   * in its time. `place`: in the queue.
   */
  waitFor(requestHash: string, wish: Wish, place: number, withinMs: number): void {
    const { time, random, scale } = this.#world;
    const kind = this.#aKind();
    const isolate = this.#anIsolate();
    time.in(random() * withinMs, () => {
      isolate.remember(saidOf(requestHash, wish, place / scale, time.now));
      this.#wait(isolate, requestHash, kind);
    });
  }

  #wait(isolate: EdgeIsolate, requestHash: string, { firstPollMs, pollMs, patienceMs }: ClientKind): void {
    const { time, random, ledger } = this.#world;
    const since = time.now;
    const leavesAt = patienceMs === null ? Number.POSITIVE_INFINITY : since + exponential(random, patienceMs);
    const poll = (): unknown => {
      if (time.now >= leavesAt) return undefined;
      this.polls += 1;
      if (!isolate.remembered(requestHash)) return ask();
      time.in(pollMs, poll);
      return undefined;
    };
    const ask = async (): Promise<void> => {
      const answer = await isolate.poll(requestHash);
      if (answer === 'over') this.waits.push(time.now - since);
      else if (answer.state === 'failed') ledger.tell(answer, time.now);
      else time.in(pollMs, poll);
    };
    time.in(firstPollMs, poll);
  }

  #anIsolate(): EdgeIsolate {
    return this.#isolates[Math.floor(this.#world.random() * this.#isolates.length)] as EdgeIsolate;
  }

  #aKind(): ClientKind {
    let left = this.#world.random();
    for (const kind of CLIENTS) {
      left -= kind.share;
      if (left < 0) return kind;
    }
    return CLIENTS[0] as ClientKind;
  }
}

/** What whoever submitted it was told; of how long it takes no more than that it is long. */
const saidOf = (requestHash: string, { target, profile }: Wish, place: number, now: number): PendingStatus => ({
  state: 'queued',
  requestHash,
  echo: requestEcho({ target: target.name, profile }),
  enqueuedAt: now,
  etaSeconds: Math.round(60 + (place * FARM.buildMs) / 1000 / (FARM.nodes * FARM.slots)),
  // The queue of the whole farm: further back than it can be here.
  position: place,
  ahead: place,
});
