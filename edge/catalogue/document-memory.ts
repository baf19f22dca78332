/**
 * Parsed documents in memory, least recently used first to go. Bounded by weight, because an isolate that outgrows its 128 MB
 * is killed with every request in it, and parsed documents are nearly all that an isolate holds.
 */
import type { CatalogueDocument, PackageList } from '../../shared/upstream/catalogue-document.ts';

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
 * What a document takes on the heap, roughly, with the answers that are kept as text beside it (metadata-answer.ts): two
 * strings, a slot and 50 characters a package, some twenty objects a profile. Counting entries costs microseconds, writing
 * the JSON out to measure it would cost milliseconds.
 */
export function weightBytes(document: CatalogueDocument): number {
  switch (document.kind) {
    case 'versions':
      return document.versions.reduce((sum, entry) => sum + 300 + 200 * Object.keys(entry.targets).length, 50_000);
    case 'profiles':
      return Object.values(document.profiles).reduce(
        (sum, profile) => sum + 400 + profile.json.length + 60 * profile.supportedDevices.length,
        1000 + 2 * JSON.stringify(document.metadata).length,
      );
    case 'models':
      return document.models.reduce((sum, { model }) => sum + 400 + 2 * model.length, 1000);
    case 'target':
      return packagesWeight(document) + 1500 * Object.keys(document.profiles).length;
    case 'arch':
      return packagesWeight(document);
  }
}

const packagesWeight = ({ packages, provides }: PackageList): number =>
  1000 + 180 * Object.keys(packages).length + 100 * provides.length;
