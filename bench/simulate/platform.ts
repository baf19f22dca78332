/** KV and R2 in memory, as far as the Foreman asks them: what is measured is the Foreman, not a store. */
import { createHash } from 'node:crypto';

export class MemoryKv {
  readonly #values = new Map<string, string>();

  async get(key: string): Promise<unknown> {
    const text = this.#values.get(key);
    return text === undefined ? null : JSON.parse(text);
  }

  async put(key: string, value: string): Promise<void> {
    this.#values.set(key, value);
  }

  async delete(key: string): Promise<void> {
    this.#values.delete(key);
  }
}

/** Knows of each object its size and digest, and forgets its bytes. */
export class MemoryBucket {
  readonly #objects = new Map<string, { readonly size: number; readonly sha256: string }>();

  /** As if a node had uploaded it. */
  hold(key: string, size: number, sha256: string): void {
    this.#objects.set(key, { size, sha256 });
  }

  async head(key: string): Promise<unknown> {
    const object = this.#objects.get(key);
    if (!object) return null;
    return {
      key,
      size: object.size,
      httpEtag: `"${object.sha256}"`,
      checksums: { sha256: Uint8Array.from(Buffer.from(object.sha256, 'hex')).buffer },
      customMetadata: {},
      httpMetadata: {},
    };
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    this.#objects.set(key, { size: body.length, sha256: createHash('sha256').update(body).digest('hex') });
  }

  async list(): Promise<unknown> {
    return { objects: [], truncated: false };
  }
}
