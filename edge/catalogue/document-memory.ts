/**
 * Parsed documents in memory, least recently used first to go. Bounded by weight, because an isolate that outgrows its 128 MB
 * is killed with every request in it, and parsed documents are nearly all that an isolate holds.
 */
import type { CatalogueDocument } from '../../shared/catalogue-document.ts';

export interface DocumentMemory<Entry extends { readonly document: CatalogueDocument }> {
  get(key: string): Entry | undefined;
  set(key: string, entry: Entry): void;
  delete(key: string): void;
}

export function openDocumentMemory<Entry extends { readonly document: CatalogueDocument }>(
  maxBytes: number,
): DocumentMemory<Entry> {
  const entries = new Map<string, { readonly entry: Entry; readonly sizeBytes: number }>();
  let totalBytes = 0;
  const remove = (key: string): void => {
    totalBytes -= entries.get(key)?.sizeBytes ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const held = entries.get(key);
      if (!held) return undefined;
      // A Map keeps the order of insertion: putting it back makes it the youngest.
      entries.delete(key);
      entries.set(key, held);
      return held.entry;
    },
    set(key, entry) {
      remove(key);
      const sizeBytes = weightBytes(entry.document);
      if (sizeBytes > maxBytes) return;
      entries.set(key, { entry, sizeBytes });
      totalBytes += sizeBytes;
      for (const oldest of entries.keys()) {
        if (totalBytes <= maxBytes) break;
        remove(oldest);
      }
    },
    delete: remove,
  };
}

/**
 * What a document takes on the heap, roughly: two strings and a slot a package, some twenty objects a profile. Counting
 * entries costs microseconds, writing the JSON out to measure it would cost milliseconds.
 */
export function weightBytes(document: CatalogueDocument): number {
  if (document.kind === 'versions')
    return document.versions.reduce((sum, entry) => sum + 200 + 120 * Object.keys(entry.targets).length, 1000);
  const packages = 130 * Object.keys(document.packages).length;
  return 1000 + packages + (document.kind === 'target' ? 1500 * Object.keys(document.profiles).length : 0);
}
