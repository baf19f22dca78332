/** Names of the five kinds of documents, where KV keeps them, and whether the list of versions knows of them at all. */
import { sha256Hex } from '../../shared/crypto/digest.ts';
import {
  type ArchDocument,
  type CatalogueDocument,
  catalogueKey,
  type ModelsDocument,
  type ProfilesDocument,
  type TargetDocument,
  type VersionsDocument,
} from '../../shared/upstream/catalogue-document.ts';

export type DocumentId =
  | { readonly kind: 'versions' }
  | { readonly kind: 'target' | 'profiles'; readonly version: string; readonly target: string }
  | { readonly kind: 'models'; readonly version: string }
  | { readonly kind: 'arch'; readonly version: string; readonly arch: string };

export type DocumentOf<Id extends DocumentId> = Id extends { kind: 'versions' }
  ? VersionsDocument
  : Id extends { kind: 'target' }
    ? TargetDocument
    : Id extends { kind: 'profiles' }
      ? ProfilesDocument
      : Id extends { kind: 'arch' }
        ? ArchDocument
        : Id extends { kind: 'models' }
          ? ModelsDocument
          : CatalogueDocument;

/** A mirror's part of a key. A digest, because a URL may be longer than a key (512 bytes). */
export const upstreamKey = (upstreamUrl: string): string => sha256Hex(upstreamUrl);

export function keyOf(upstream: string, id: DocumentId): string {
  switch (id.kind) {
    case 'versions':
      return catalogueKey.versions(upstream);
    case 'target':
      return catalogueKey.target(upstream, id.version, id.target);
    case 'profiles':
      return catalogueKey.profiles(upstream, id.version, id.target);
    case 'models':
      return catalogueKey.models(upstream, id.version);
    case 'arch':
      return catalogueKey.arch(upstream, id.version, id.arch);
  }
}

/** Nothing is fetched that this denies: the names of a request become a path on the mirror. */
export function isListed(versions: VersionsDocument, id: DocumentId): boolean {
  if (id.kind === 'versions') return true;
  const entry = versions.versions.find(({ version }) => version === id.version);
  if (!entry) return false;
  if (id.kind === 'models') return true;
  return id.kind === 'arch' ? Object.values(entry.targets).includes(id.arch) : Object.hasOwn(entry.targets, id.target);
}
