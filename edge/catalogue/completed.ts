/**
 * Copies in SQLite and KV outlive the code that wrote them, and one that serves while the mirror is down may be a day old. What
 * it does not have yet is filled in with what it tells: nothing. Without this a deployment on a bad day would break answers.
 */
import type { CatalogueDocument, PackageList } from '../../shared/upstream/catalogue-document.ts';

/** Since packages have provides. */
const WITHOUT_PROVIDES: Pick<PackageList, 'provides' | 'providesKnown'> = { provides: [], providesKnown: false };

export function completed<Document extends CatalogueDocument>(document: Document): Document {
  const { kind } = document;
  return (kind === 'target' || kind === 'arch') && document.provides === undefined
    ? { ...document, ...WITHOUT_PROVIDES }
    : document;
}
