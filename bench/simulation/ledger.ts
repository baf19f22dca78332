/** What became of every build and of every client: all that the table is made from. */
import type { Order } from '../../edge/foreman/leases/give-lease.ts';
import type { BuildStatus } from '../../shared/build/build-state.ts';
import { jain } from './statistics.ts';
import type { Wish } from './wishes.ts';

interface Telling {
  readonly at: number;
  readonly seconds: number;
}

export interface LedgerBuild {
  readonly wish: Wish;
  readonly client: string;
  readonly acceptedAt: number;
  isGiven: boolean;
  endedAt: number | null;
  ending: 'image' | 'failure' | 'cancelled' | null;
  position: number;
  /** While it waited: what was told first, and some of what was told later. */
  readonly tellings: Telling[];
  told: number;
}

interface ClientAccount {
  waiting: number;
  given: number;
  /** Had nothing that waited at some time since the day began. */
  wasEmpty: boolean;
}

const TELLINGS_KEPT = 4;
/** Of fewer clients, or after fewer turns, fairness says nothing. */
const LEAST_CLIENTS = 10;
const LEAST_TURNS = 3;

export class Ledger {
  readonly builds = new Map<string, LedgerBuild>();
  readonly #clients = new Map<string, ClientAccount>();
  readonly #startAt: number;
  readonly #random: () => number;
  /** Times that a place in the queue was further back than the one told before. */
  grownPositions = 0;
  triedTooOften = 0;
  /** Jain's index, the worst that was seen. */
  fairness: number | null = null;

  constructor(startAt: number, random: () => number) {
    this.#startAt = startAt;
    this.#random = random;
  }

  accept(requestHash: string, wish: Wish, client: string, at: number): void {
    const account = this.#account(client);
    account.waiting += 1;
    // Who came later had fewer turns.
    if (at > this.#startAt && account.given + account.waiting === 1) account.wasEmpty = true;
    this.builds.set(requestHash, {
      wish,
      client,
      acceptedAt: at,
      isGiven: false,
      endedAt: null,
      ending: null,
      position: Number.POSITIVE_INFINITY,
      tellings: [],
      told: 0,
    });
  }

  give({ requestHash, attempt }: Order, maxAttempts: number): void {
    if (attempt > maxAttempts) this.triedTooOften += 1;
    const build = this.builds.get(requestHash);
    if (!build || build.isGiven) return;
    build.isGiven = true;
    const account = this.#account(build.client);
    account.given += 1;
    this.#leave(account);
  }

  /** What the Foreman said of it. */
  tell(status: BuildStatus, at: number): void {
    if (status.state === 'failed' && status.failure.kind === 'cancelled')
      this.#end(status.failure.requestHash, 'cancelled', at);
    if (status.state !== 'queued') return;
    const build = this.builds.get(status.requestHash);
    if (!build) return;
    if (status.position > build.position) this.grownPositions += 1;
    build.position = status.position;
    build.told += 1;
    const telling = { at, seconds: status.etaSeconds };
    if (build.tellings.length < TELLINGS_KEPT) build.tellings.push(telling);
    else {
      // Each of the later ones is as likely to be kept.
      const place = 1 + Math.floor(this.#random() * (build.told - 1));
      if (place < TELLINGS_KEPT) build.tellings[place] = telling;
    }
  }

  /** Its result can be read now. */
  publish(requestHash: string, at: number): void {
    this.#end(requestHash, this.builds.get(requestHash)?.wish.failure ? 'failure' : 'image', at);
  }

  #end(requestHash: string, ending: NonNullable<LedgerBuild['ending']>, at: number): void {
    const build = this.builds.get(requestHash);
    if (!build || build.ending !== null) return;
    build.endedAt = at;
    build.ending = ending;
    if (!build.isGiven) this.#leave(this.#account(build.client));
  }

  /** Among those who had something that waited all the time: did each get as much? */
  lookAtFairness(): void {
    const shares: number[] = [];
    for (const { waiting, given, wasEmpty } of this.#clients.values()) if (waiting > 0 && !wasEmpty) shares.push(given);
    const mean = shares.reduce((sum, given) => sum + given, 0) / shares.length;
    if (shares.length < LEAST_CLIENTS || mean < LEAST_TURNS) return;
    this.fairness = Math.min(jain(shares), this.fairness ?? Number.POSITIVE_INFINITY);
  }

  #leave(account: ClientAccount): void {
    account.waiting -= 1;
    if (account.waiting === 0) account.wasEmpty = true;
  }

  #account(client: string): ClientAccount {
    let account = this.#clients.get(client);
    if (!account) {
      account = { waiting: 0, given: 0, wasEmpty: false };
      this.#clients.set(client, account);
    }
    return account;
  }
}
