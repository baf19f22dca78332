/**
 * What an index says, read once however many builds use it: the larger feeds take a tenth of a second each, and all builds of
 * a day have the same ones.
 */
import { parseIndexJson } from '../../shared/upstream/feed.ts';
import { type IndexedPackage, type PackageFile, parseOpkgIndex } from '../../shared/upstream/opkg-index.ts';

export type FeedContents =
  | {
      readonly kind: 'opkg';
      readonly packages: readonly IndexedPackage[];
      /** By the name that a build asks for. */
      readonly files: ReadonlyMap<string, PackageFile>;
    }
  /** Of index.json: names (bare ones in its version 2) and their versions. */
  | { readonly kind: 'names'; readonly versions: ReadonlyMap<string, string> };

/** The two kinds of text that there are; an apk index alone is not read. */
export type IndexText = 'Packages' | 'index.json';

/** @throws Error with what was expected and what came */
export function readContents(kind: IndexText, text: string): FeedContents {
  if (kind === 'index.json') return { kind: 'names', versions: parseIndexJson(text).packages };
  const packages = parseOpkgIndex(text);
  const files = packages.flatMap(({ file }) => (file === null ? [] : [[file.name, file] as const]));
  return { kind: 'opkg', packages, files: new Map(files) };
}

/** Some three builds' worth; a large one takes ten megabytes. */
const MAX_REMEMBERED = 24;

export class ContentsMemory {
  readonly #remembered = new Map<string, FeedContents>();

  find(sha256: string): FeedContents | null {
    const contents = this.#remembered.get(sha256);
    if (contents === undefined) return null;
    this.keep(sha256, contents);
    return contents;
  }

  keep(sha256: string, contents: FeedContents): void {
    this.#remembered.delete(sha256);
    this.#remembered.set(sha256, contents);
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size > MAX_REMEMBERED && !oldest.done) this.#remembered.delete(oldest.value);
  }
}
