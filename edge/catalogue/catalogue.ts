/**
 * The Catalogue: the one that asks the mirror and the only writer of catalogue documents in KV. A Durable Object, because KV
 * takes one write a second per key and because a thousand isolates that each asked the mirror would be an attack on it.
 *
 *   ask ─▶ younger than the refresh interval? ─▶ answer
 *            └▶ every file of it unchanged? ─▶ only its time moves ─▶ answer
 *                 └▶ compile anew ─▶ SQLite, KV ─▶ answer
 *                      └▶ trouble ─▶ the last good copy, with the old time it was checked at
 *
 * One flight per document. An alarm does the same for whatever was asked for in the last ten minutes.
 */
import { DurableObject } from 'cloudflare:workers';
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import { openSlots } from '../../shared/http/slots.ts';
import type {
  ArchDocument,
  CatalogueDocument,
  Lookup,
  ModelsDocument,
  ProfilesDocument,
  TargetDocument,
  VersionsDocument,
} from '../../shared/upstream/catalogue-document.ts';
import { configOf } from '../config.ts';
import type { Env } from '../env.ts';
import { logError, stackOf } from '../log.ts';
import { compile, recipeOf } from './compile.ts';
import { type DocumentId, isListed, keyOf, upstreamKey } from './document-id.ts';
import { type DocumentMemory, openDocumentMemory } from './document-memory.ts';
import { DocumentStore, type StoredDocument } from './document-store.ts';
import { isCurrent, Reading, UpstreamTrouble } from './reading.ts';
import { isTrusted } from './trust.ts';
import { openUpstream, type Upstream } from './upstream.ts';

const OUTGOING_CONNECTIONS = 6;
const MEMORY_BYTES = 24 * 1024 * 1024;
/** An unknown target is a flood upstream if nobody remembers it, and a lie if it is remembered for long. */
const NEGATIVE_MS = 10_000;
const MAX_NEGATIVES = 2000;
const HOT_MS = 10 * 60_000;
const ALARM_CONCURRENCY = 3;
/** Each may hold eight parsed indexes; memory is 128 MB, and after a restart fifty documents may be wanted at once. */
const COMPILED_AT_ONCE = 3;
/** Documents that nobody asks for any more leave KV by themselves; SQLite has them still. */
const KV_TTL_SECONDS = 30 * 86_400;

/** The mirror and the clock; tests give others. */
export interface Outside {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly now: () => number;
}

type Held = StoredDocument & { readonly document: CatalogueDocument };

export type Check = Lookup<CatalogueDocument> | { readonly state: 'unchanged'; readonly checkedAt: number };

export const CATALOGUE_NAME = 'catalogue';

export class Catalogue extends DurableObject<Env> {
  readonly #settings: EdgeSettings;
  readonly #now: () => number;
  readonly #upstream: Upstream;
  readonly #upstreamKey: string;
  readonly #refreshMs: number;
  readonly #memory: DocumentMemory<Held> = openDocumentMemory(MEMORY_BYTES);
  readonly #compiling = openSlots(COMPILED_AT_ONCE);
  readonly #flights = new Map<string, Promise<Lookup<CatalogueDocument>>>();
  readonly #negatives = new Map<string, { readonly lookup: Lookup<never>; readonly until: number }>();
  #store!: DocumentStore;

  constructor(
    ctx: DurableObjectState,
    env: Env,
    outside: Outside = { fetch: (url, init) => fetch(url, init), now: () => Date.now() },
  ) {
    super(ctx, env);
    this.#settings = configOf(env);
    this.#now = outside.now;
    this.#upstreamKey = upstreamKey(this.#settings.UPSTREAM_URL);
    this.#refreshMs = this.#settings.CATALOGUE_REFRESH_SECONDS * 1000;
    this.#upstream = openUpstream({
      url: this.#settings.UPSTREAM_URL,
      fetch: outside.fetch,
      slots: openSlots(OUTGOING_CONNECTIONS),
    });
    ctx.blockConcurrencyWhile(async () => {
      this.#store = await DocumentStore.open(ctx.storage);
    });
  }

  versions(): Promise<Lookup<VersionsDocument>> {
    return this.#ask({ kind: 'versions' }) as Promise<Lookup<VersionsDocument>>;
  }

  target(version: string, target: string): Promise<Lookup<TargetDocument>> {
    return this.#ask({ kind: 'target', version, target }) as Promise<Lookup<TargetDocument>>;
  }

  profiles(version: string, target: string): Promise<Lookup<ProfilesDocument>> {
    return this.#ask({ kind: 'profiles', version, target }) as Promise<Lookup<ProfilesDocument>>;
  }

  arch(version: string, arch: string): Promise<Lookup<ArchDocument>> {
    return this.#ask({ kind: 'arch', version, arch }) as Promise<Lookup<ArchDocument>>;
  }

  models(version: string): Promise<Lookup<ModelsDocument>> {
    return this.#ask({ kind: 'models', version }) as Promise<Lookup<ModelsDocument>>;
  }

  /**
   * For whoever has a copy: answers `unchanged` in a few bytes where that copy is the current one. A document is up to a
   * megabyte, and every isolate on earth asks once an interval.
   */
  async check(id: DocumentId, fetchedAt: number): Promise<Check> {
    const lookup = await this.#ask(id);
    return lookup.state === 'found' && lookup.document.fetchedAt === fetchedAt
      ? { state: 'unchanged', checkedAt: lookup.document.checkedAt }
      : lookup;
  }

  /** Keeps hot what is hot; ends by itself when nobody asks any more. */
  override async alarm(): Promise<void> {
    const since = this.#now() - HOT_MS;
    const hot = [...this.#store.askedSince(this.#upstreamKey, since)];
    const work = async (): Promise<void> => {
      for (let id = hot.shift(); id; id = hot.shift()) {
        const held = this.#held(keyOf(this.#upstreamKey, id));
        // One that a request has just refreshed may wait for the next alarm.
        if (!held || this.#now() - held.document.checkedAt >= this.#refreshMs / 2) await this.#fly(id);
      }
    };
    // The list of versions is the first of them and decides what the others are.
    await Promise.all(Array.from({ length: ALARM_CONCURRENCY }, work));
    if (this.#store.askedSince(this.#upstreamKey, this.#now() - HOT_MS).length > 0) await this.#schedule();
  }

  async #schedule(): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(this.#now() + this.#refreshMs);
  }

  async #ask(id: DocumentId): Promise<Lookup<CatalogueDocument>> {
    const key = keyOf(this.#upstreamKey, id);
    const lookup = await this.#lookup(key, id);
    if (lookup.state === 'found') await this.#asked(key);
    return lookup;
  }

  /** Noted once a minute: a write for each question would cost more than the answer. */
  async #asked(key: string): Promise<void> {
    const held = this.#held(key);
    const now = this.#now();
    if (!held || now - held.askedAt < 60_000) return;
    this.#store.update(key, { askedAt: now });
    this.#memory.set(key, { ...held, askedAt: now });
    await this.#schedule();
  }

  async #lookup(key: string, id: DocumentId): Promise<Lookup<CatalogueDocument>> {
    const held = this.#held(key);
    const now = this.#now();
    if (held && held.recipe === recipeOf(id, this.#settings) && now - held.document.checkedAt < this.#refreshMs)
      return { state: 'found', document: held.document };
    const negative = this.#negatives.get(key);
    if (negative && now < negative.until) return held ? { state: 'found', document: held.document } : negative.lookup;
    return this.#fly(id);
  }

  /** The copy that may be served: with a signature that still counts. */
  #held(key: string): Held | null {
    let held = this.#memory.get(key) ?? null;
    if (!held) {
      held = this.#store.get(key);
      if (held) this.#memory.set(key, held);
    }
    return held && isTrusted(held.document, this.#settings) ? held : null;
  }

  #fly(id: DocumentId): Promise<Lookup<CatalogueDocument>> {
    const key = keyOf(this.#upstreamKey, id);
    const current = this.#flights.get(key);
    if (current) return current;
    const flight = this.#refresh(key, id).finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }

  async #refresh(key: string, id: DocumentId): Promise<Lookup<CatalogueDocument>> {
    const held = this.#held(key);
    try {
      const versions = id.kind === 'versions' ? null : await this.#membership(id);
      if (versions === 'unlisted') {
        if (held) await this.#forget(key);
        return { state: 'unknown' };
      }
      if (held && held.recipe === recipeOf(id, this.#settings) && (await isCurrent(held.files, this.#upstream)))
        return this.#keep(key, held);
      const reading = new Reading(this.#upstream);
      const previous = held?.document ?? null;
      const made = () => compile(id, reading, { settings: this.#settings, versions, previous, now: this.#now() });
      // The list waits for nobody, since all others wait for it.
      const document = await (id.kind === 'versions' ? made() : this.#compiling(made));
      if (document) return await this.#replace(key, id, document, reading, held);
      // Still listed but not there: a mirror that is being copied. What it was is the better answer.
      return this.#remember(key, { state: 'unknown' }, held);
    } catch (error) {
      if (!(error instanceof UpstreamTrouble)) logError('the catalogue failed', { key, error: stackOf(error) });
      const reason = error instanceof UpstreamTrouble ? error.message : 'the catalogue failed; its log says why';
      return this.#remember(key, { state: 'unavailable', reason }, held);
    }
  }

  /** @throws UpstreamTrouble where the list of versions cannot be had: then nothing can be said of its members */
  async #membership(id: DocumentId): Promise<VersionsDocument | 'unlisted'> {
    const versionsId: DocumentId = { kind: 'versions' };
    const lookup = await this.#lookup(keyOf(this.#upstreamKey, versionsId), versionsId);
    if (lookup.state !== 'found')
      throw new UpstreamTrouble(lookup.state === 'unavailable' ? lookup.reason : 'there is no list of versions');
    const versions = lookup.document as VersionsDocument;
    return isListed(versions, id) ? versions : 'unlisted';
  }

  /** Upstream is as it was. */
  async #keep(key: string, held: Held): Promise<Lookup<CatalogueDocument>> {
    const document = { ...held.document, checkedAt: this.#now() };
    this.#store.update(key, { checkedAt: document.checkedAt });
    this.#negatives.delete(key);
    // KV takes one write a second; a copy that lags by half an interval makes no Worker ask sooner than it would anyway.
    const isDue = document.checkedAt - held.writtenAt >= Math.max(1000, this.#refreshMs / 2);
    const writtenAt = isDue ? await this.#publish(key, document, held.writtenAt) : held.writtenAt;
    this.#memory.set(key, { ...held, document, writtenAt });
    return { state: 'found', document };
  }

  async #replace(
    key: string,
    id: DocumentId,
    compiled: CatalogueDocument,
    reading: Reading,
    held: Held | null,
  ): Promise<Lookup<CatalogueDocument>> {
    // A copy: strings that were cut out of upstream's files would keep those files in memory.
    const document = JSON.parse(JSON.stringify(compiled)) as CatalogueDocument;
    const stored: Held = {
      document,
      recipe: recipeOf(id, this.#settings),
      files: reading.files,
      askedAt: held?.askedAt ?? 0,
      writtenAt: 0,
    };
    this.#store.put(key, this.#upstreamKey, id, stored);
    this.#negatives.delete(key);
    this.#memory.set(key, { ...stored, writtenAt: await this.#publish(key, document, 0) });
    return { state: 'found', document };
  }

  /** KV is a cache: when it does not take a copy, the answer stands and the next refresh tries again. */
  async #publish(key: string, document: CatalogueDocument, before: number): Promise<number> {
    try {
      await this.env.CACHE.put(key, JSON.stringify(document), { expirationTtl: KV_TTL_SECONDS });
    } catch (error) {
      logError('catalogue: KV cannot be written', { key, error });
      return before;
    }
    this.#store.update(key, { writtenAt: document.checkedAt });
    return document.checkedAt;
  }

  /** Upstream withdrew it. */
  async #forget(key: string): Promise<void> {
    this.#memory.delete(key);
    this.#store.delete(key);
    await this.env.CACHE.delete(key);
  }

  #remember(key: string, lookup: Lookup<never>, held: Held | null): Lookup<CatalogueDocument> {
    this.#negatives.delete(key);
    this.#negatives.set(key, { lookup, until: this.#now() + NEGATIVE_MS });
    const oldest = this.#negatives.keys().next().value;
    if (this.#negatives.size > MAX_NEGATIVES && oldest !== undefined) this.#negatives.delete(oldest);
    return held ? { state: 'found', document: held.document } : lookup;
  }
}
