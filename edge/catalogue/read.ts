/**
 * How Workers read the catalogue: memory, then KV, and the Catalogue object only where neither has a copy. An old copy is
 * served while the Catalogue is asked behind the answer: a check must not wait for a mirror, and must not fail because the
 * mirror is down, be it for a day.
 *
 * No promise is shared between requests: in Workers, IO belongs to the request that began it, and whoever waits for
 * another's hangs when that one's client leaves. Single-flight is the Catalogue's.
 */
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import { TARGET, WORD } from '../../shared/request/grammar.ts';
import type {
  ArchDocument,
  CatalogueDocument,
  Lookup,
  ModelsDocument,
  ProfilesDocument,
  TargetDocument,
  VersionsDocument,
} from '../../shared/upstream/catalogue-document.ts';
import { isArchitecture } from '../../shared/upstream/upstream-versions.ts';
import { configOf } from '../config.ts';
import type { Env } from '../env.ts';
import { logError } from '../log.ts';
import { CATALOGUE_NAME, type Catalogue, type Check } from './catalogue.ts';
import { completed } from './completed.ts';
import { type DocumentId, type DocumentOf, isListed, keyOf, upstreamKey } from './document-id.ts';
import { type DocumentMemory, openDocumentMemory } from './document-memory.ts';
import { isTrusted } from './trust.ts';

export interface CatalogueReader {
  versions(): Promise<Lookup<VersionsDocument>>;
  target(version: string, target: string): Promise<Lookup<TargetDocument>>;
  profiles(version: string, target: string): Promise<Lookup<ProfilesDocument>>;
  arch(version: string, arch: string): Promise<Lookup<ArchDocument>>;
  models(version: string): Promise<Lookup<ModelsDocument>>;
}

export interface ReaderContext {
  /** For asking behind the answer: `ExecutionContext.waitUntil`, or a Durable Object's. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly now?: () => number;
}

const MEMORY_BYTES = 32 * 1024 * 1024;
const MAX_TRUST_MS = 60_000;
const NEGATIVE_MS = 5000;
const MAX_NOTES = 5000;

interface Held {
  readonly document: CatalogueDocument;
  /** When KV or the Catalogue was last looked at for it. */
  readonly readAt: number;
}

/** What an isolate remembers between its requests. */
interface Isolate {
  readonly settings: EdgeSettings;
  readonly upstream: string;
  readonly memory: DocumentMemory<Held>;
  readonly negatives: Map<string, { readonly lookup: Lookup<never>; readonly until: number }>;
  /** When the Catalogue was last asked behind an answer: of many requests at once, one asks. */
  readonly askedAt: Map<string, number>;
}

const isolates = new WeakMap<Env, Isolate>();

function isolateOf(env: Env): Isolate {
  let isolate = isolates.get(env);
  if (!isolate) {
    const settings = configOf(env);
    isolate = {
      settings,
      upstream: upstreamKey(settings.UPSTREAM_URL),
      memory: openDocumentMemory(MEMORY_BYTES),
      negatives: new Map(),
      askedAt: new Map(),
    };
    isolates.set(env, isolate);
  }
  return isolate;
}

export function catalogueReader(env: Env, context: ReaderContext): CatalogueReader {
  const isolate = isolateOf(env);
  const { settings, upstream, memory } = isolate;
  const now = context.now ?? (() => Date.now());
  const refreshMs = settings.CATALOGUE_REFRESH_SECONDS * 1000;
  const trustMs = Math.min(MAX_TRUST_MS, refreshMs);

  async function read<Id extends DocumentId>(id: Id): Promise<Lookup<DocumentOf<Id>>> {
    const key = keyOf(upstream, id);
    const held = memory.get(key);
    if (held && now() - held.readAt < trustMs) return found<Id>(held.document);
    const negative = isolate.negatives.get(key);
    if (negative && now() < negative.until) return held ? found<Id>(held.document) : negative.lookup;
    if (!held && isKnownToBeUnlisted(id)) return { state: 'unknown' };

    const document = newest(held?.document ?? null, await fromKv(key, id));
    if (!document) return settle<Id>(key, await askCatalogue((catalogue) => ask(catalogue, id)));
    memory.set(key, { document, readAt: now() });
    if (now() - document.checkedAt >= refreshMs && now() - (isolate.askedAt.get(key) ?? 0) >= trustMs) {
      note(isolate.askedAt, key, now());
      context.waitUntil(checkBehind(key, id, document));
    }
    return found<Id>(document);
  }

  /** A name that a current list of versions does not have costs no read of KV, and the Catalogue nothing. */
  function isKnownToBeUnlisted(id: DocumentId): boolean {
    const versions = memory.get(keyOf(upstream, { kind: 'versions' }));
    return versions?.document.kind === 'versions' && now() - versions.document.checkedAt < refreshMs
      ? !isListed(versions.document, id)
      : false;
  }

  async function fromKv(key: string, id: DocumentId): Promise<CatalogueDocument | null> {
    const document = await env.CACHE.get<CatalogueDocument>(key, 'json').catch((error: unknown) => {
      logError('catalogue: KV cannot be read', { key, error });
      return null;
    });
    return document?.kind === id.kind && isTrusted(document, settings) ? completed(document) : null;
  }

  async function checkBehind(key: string, id: DocumentId, document: CatalogueDocument): Promise<void> {
    // RPC's types lose track of the union.
    const check = await askCatalogue((catalogue) => catalogue.check(id, document.fetchedAt) as Promise<Check>);
    if (check.state !== 'unchanged') settle(key, check);
    // The same object with another time: what is memoised by its parts stays.
    else memory.set(key, { document: { ...document, checkedAt: check.checkedAt }, readAt: now() });
  }

  function settle<Id extends DocumentId>(key: string, lookup: Lookup<CatalogueDocument>): Lookup<DocumentOf<Id>> {
    if (lookup.state === 'found') {
      isolate.negatives.delete(key);
      memory.set(key, { document: lookup.document, readAt: now() });
      return found<Id>(lookup.document);
    }
    // Withdrawn upstream. While it is merely in trouble our copy serves on.
    if (lookup.state === 'unknown') memory.delete(key);
    note(isolate.negatives, key, { lookup, until: now() + NEGATIVE_MS });
    return lookup;
  }

  async function askCatalogue<Answer>(
    question: (catalogue: DurableObjectStub<Catalogue>) => Promise<Answer>,
  ): Promise<Answer | { readonly state: 'unavailable'; readonly reason: string }> {
    try {
      return await question(env.CATALOGUE.getByName(CATALOGUE_NAME));
    } catch (error) {
      logError('the catalogue does not answer', { error });
      return { state: 'unavailable', reason: 'the catalogue does not answer' };
    }
  }

  return {
    versions: () => read({ kind: 'versions' }),
    target: async (version, target) =>
      isTarget(version, target) ? read({ kind: 'target', version, target }) : { state: 'unknown' },
    profiles: async (version, target) =>
      isTarget(version, target) ? read({ kind: 'profiles', version, target }) : { state: 'unknown' },
    arch: async (version, arch) =>
      isWord(version, 64) && isArchitecture(arch) ? read({ kind: 'arch', version, arch }) : { state: 'unknown' },
    models: async (version) => (isWord(version, 64) ? read({ kind: 'models', version }) : { state: 'unknown' }),
  };
}

function ask(catalogue: DurableObjectStub<Catalogue>, id: DocumentId): Promise<Lookup<CatalogueDocument>> {
  switch (id.kind) {
    case 'versions':
      return catalogue.versions();
    case 'target':
      return catalogue.target(id.version, id.target);
    case 'profiles':
      // RPC's types take a member of type unknown for one that cannot be sent.
      return catalogue.profiles(id.version, id.target) as unknown as Promise<Lookup<ProfilesDocument>>;
    case 'arch':
      return catalogue.arch(id.version, id.arch);
    case 'models':
      return catalogue.models(id.version);
  }
}

const found = <Id extends DocumentId>(document: CatalogueDocument): Lookup<DocumentOf<Id>> => ({
  state: 'found',
  document: document as DocumentOf<Id>,
});

/** KV may give an older copy than this isolate has seen already. */
function newest(a: CatalogueDocument | null, b: CatalogueDocument | null): CatalogueDocument | null {
  if (!a || !b) return a ?? b;
  // The same in other objects: what is memoised by the parts of the one that we have stays.
  if (a.fetchedAt === b.fetchedAt) return { ...a, checkedAt: Math.max(a.checkedAt, b.checkedAt) };
  return b.checkedAt > a.checkedAt ? b : a;
}

const isTarget = (version: string, target: string): boolean =>
  isWord(version, 64) && target.length <= 128 && TARGET.test(target);

const isWord = (value: string, maxLength: number): boolean => value.length <= maxLength && WORD.test(value);

/** Bounded: the keys are names that clients made up. */
function note<Value>(notes: Map<string, Value>, key: string, value: Value): void {
  notes.delete(key);
  notes.set(key, value);
  const oldest = notes.keys().next().value;
  if (notes.size > MAX_NOTES && oldest !== undefined) notes.delete(oldest);
}
