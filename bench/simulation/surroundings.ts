/** What the Foreman finds around it, answering at once: an object store, KV, and a catalogue whose upstream never moves. */

import type { Env } from '../../edge/env.ts';
import type { CatalogueDocument, Lookup } from '../../shared/upstream/catalogue-document.ts';

/** What is read again: whose the bucket is, the publication log, when the Foreman begins it, and what is published, where it may be taken back. */
const READ_AGAIN = /^(?:log\/|foreman\.json$)/;
const READ_TO_TAKE_BACK = /^(?:log\/|builds\/|intents\/|foreman\.json$)/;

/** R2 as far as publishing asks for it; of most objects their size and digest alone. */
export class MemoryBucket {
  readonly #objects = new Map<string, { readonly size: number; readonly sha256: string }>();
  readonly #bodies = new Map<string, Uint8Array>();
  readonly #readAgain: RegExp;

  constructor({ mayTakeBack = false } = {}) {
    this.#readAgain = mayTakeBack ? READ_TO_TAKE_BACK : READ_AGAIN;
  }

  async head(key: string) {
    const object = this.#objects.get(key);
    if (!object) return null;
    return { key, size: object.size, httpEtag: `"${key}"`, checksums: {}, customMetadata: { sha256: object.sha256 } };
  }

  async put(key: string, body: Uint8Array, { sha256 }: { readonly sha256: string }) {
    this.place(key, body.length, sha256);
    if (this.#readAgain.test(key)) this.#bodies.set(key, body);
    return this.head(key);
  }

  async get(key: string) {
    const head = await this.head(key);
    const body = this.#bodies.get(key);
    if (!head) return null;
    if (!body) endSimulation(`expected ${key} not to be read again`);
    return { ...head, body: streamOf(body) };
  }

  async delete(key: string): Promise<void> {
    this.#bodies.delete(key);
    this.#objects.delete(key);
  }

  async list() {
    return { objects: [], truncated: false };
  }

  /** As if these bytes had been put. */
  place(key: string, size: number, sha256: string): void {
    this.#objects.set(key, { size, sha256 });
  }
}

/** The Foreman would take it for bad weather and try again for ever; what is lacking here is no weather. */
function endSimulation(lacking: string): never {
  const error = new Error(lacking);
  queueMicrotask(() => {
    throw error;
  });
  throw error;
}

const streamOf = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });

/** Tells whoever listens what is written, which is all that is asked of it here. */
export class MemoryKv {
  readonly #keys = new Set<string>();
  readonly #onWrite: (key: string, value: string | null) => void;

  /** `value`: null where it is removed. */
  constructor(onWrite: (key: string, value: string | null) => void) {
    this.#onWrite = onWrite;
  }

  async get(): Promise<null> {
    return null;
  }

  async put(key: string, value: string): Promise<void> {
    this.#keys.add(key);
    this.#onWrite(key, value);
  }

  async delete(key: string): Promise<void> {
    this.#keys.delete(key);
    this.#onWrite(key, null);
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }
}

/** `find`: the document of that name, or null for one that upstream does not have. */
export function catalogueObject(find: (kind: string, ...name: readonly string[]) => CatalogueDocument | null) {
  const lookUp = async (kind: string, ...name: readonly string[]): Promise<Lookup<CatalogueDocument>> => {
    const document = find(kind, ...name);
    return document ? { state: 'found', document } : { state: 'unknown' };
  };
  return {
    versions: () => lookUp('versions'),
    target: (version: string, target: string) => lookUp('target', version, target),
    arch: (version: string, arch: string) => lookUp('arch', version, arch),
    check: async () => ({ state: 'unchanged', checkedAt: Date.now() }),
  };
}

export function simulatedEnv(
  settings: Readonly<Record<string, string>>,
  parts: { readonly bucket: MemoryBucket; readonly kv: MemoryKv; readonly catalogue: object },
): Env {
  return {
    ...settings,
    CACHE: parts.kv,
    IMAGES: parts.bucket,
    CATALOGUE: { getByName: () => parts.catalogue },
  } as unknown as Env;
}
