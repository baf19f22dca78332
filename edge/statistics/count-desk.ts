/**
 * Counts in this isolate and tells the Foreman once in a while, behind an answer: a hit must stay a hit, and a call for each
 * would make the one Foreman the limit of all hits. Approximate on purpose: what an isolate has not told yet is lost with it,
 * and so is a batch that the Foreman did not take. Which images were served goes along: those that nobody wants are removed one day.
 */
import { dayOf } from '../../shared/request/client-key.ts';
import { imageHash } from '../../shared/seed/file-path.ts';
import { LIFETIMES } from '../lifetimes.ts';
import { logError } from '../log.ts';
import type { KeptRecord } from '../results/kept-result.ts';
import { type Count, type CountBatch, count, type Outcome } from './counted.ts';
import { imageCounts } from './image-counts.ts';

/** One batch holds so much; then it is told before its time, or what is one too many is left out. */
const MAX_IMAGES = 1_000;
const MAX_SERVED = 1_000;
const MAX_IMAGES_CHARACTERS = 1024 * 1024;
const MAX_CLIENTS = 100;
const MAX_COUNTS = 5_000;

type Image = Pick<KeptRecord, 'requestHash' | 'intentHash' | 'version' | 'target' | 'profile' | 'packages'>;

interface Surroundings {
  /** Tells the Foreman. */
  readonly send: (batch: CountBatch) => Promise<unknown>;
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly now?: () => number;
}

export class CountDesk {
  readonly #send: Surroundings['send'];
  readonly #waitUntil: Surroundings['waitUntil'];
  readonly #now: () => number;
  #since = 0;
  #outcomes = new Map<Outcome, number>();
  #clients = new Map<string, number>();
  #images = new Map<string, { readonly image: Image; n: number }>();
  #imagesCharacters = 0;
  #served = new Set<string>();

  constructor({ send, waitUntil, now = () => Date.now() }: Surroundings) {
    this.#send = send;
    this.#waitUntil = waitUntil;
    this.#now = now;
  }

  /** A POST that was answered about an image of everybody's; with `image`, where it was handed out. */
  answered(outcome: Outcome, client: string, image?: Image): void {
    this.#note(outcome);
    if (this.#clients.has(client) || this.#clients.size < MAX_CLIENTS) increment(this.#clients, client);
    if (image) this.#handOut(image);
    if (image && this.#served.size < MAX_SERVED) this.#served.add(image.requestHash);
    if (this.#isDue()) this.#waitUntil(this.flush());
  }

  /** A POST that was refused. Never tells: a flood of refusals must not come to the Foreman in this shape either. */
  refused(outcome: Outcome): void {
    this.#note(outcome);
  }

  /** An image of everybody's, of which somebody was told, or fetched something. */
  served(requestHash: string): void {
    this.#begin();
    if (this.#served.size < MAX_SERVED) this.#served.add(requestHash);
    if (this.#isDue()) this.#waitUntil(this.flush());
  }

  /** Tells what there is. Never throws. */
  async flush(): Promise<void> {
    if (this.#isEmpty()) return;
    const batch = { day: dayOf(this.#since), counts: this.#counts(), served: [...this.#served] };
    // Before it is sent: what comes meanwhile belongs to the next one.
    this.#outcomes = new Map();
    this.#clients = new Map();
    this.#images = new Map();
    this.#imagesCharacters = 0;
    this.#served = new Set();
    try {
      await this.#send(batch);
    } catch (error) {
      logError('statistics: counts are lost', { counts: batch.counts.length, error });
    }
  }

  #isEmpty(): boolean {
    return this.#outcomes.size === 0 && this.#served.size === 0;
  }

  #begin(): void {
    if (this.#isEmpty()) this.#since = this.#now();
  }

  #note(outcome: Outcome): void {
    this.#begin();
    increment(this.#outcomes, outcome);
  }

  #handOut(image: Image): void {
    const known = this.#images.get(image.requestHash);
    if (known) {
      known.n += 1;
      return;
    }
    if (this.#isFull()) return;
    this.#images.set(image.requestHash, { image, n: 1 });
    this.#imagesCharacters += image.packages.length;
  }

  #isDue(): boolean {
    const now = this.#now();
    return (
      now - this.#since >= LIFETIMES.countsMs ||
      dayOf(now) !== dayOf(this.#since) ||
      // Not at once: whoever goes through a thousand images a second must not have the Foreman told of each thousand.
      (this.#isFull() && now - this.#since >= LIFETIMES.fullCountsMs)
    );
  }

  #isFull(): boolean {
    return this.#images.size >= MAX_IMAGES || this.#imagesCharacters >= MAX_IMAGES_CHARACTERS;
  }

  /** One count for each name, whatever images it was in. */
  #counts(): Count[] {
    const sums = new Map<string, Count>();
    const add = (one: Count): void => {
      const key = `${one.what} ${one.branch} ${one.name}`;
      const known = sums.get(key);
      if (known || sums.size < MAX_COUNTS) sums.set(key, { ...one, n: one.n + (known?.n ?? 0) });
    };
    for (const [outcome, n] of this.#outcomes) add(count('outcome', outcome, n));
    for (const [client, n] of this.#clients) add(count('client', client, n));
    for (const { image, n } of this.#images.values()) {
      for (const one of imageCounts({ ...image, packages: image.packages.split(' ').filter(Boolean) }, n)) add(one);
      add(count('image', imageHash(image.requestHash), n));
      add(count('wish', image.intentHash, n));
    }
    return [...sums.values()];
  }
}

const increment = <Key>(counts: Map<Key, number>, key: Key): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
};
