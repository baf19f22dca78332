/**
 * `sha256sums` of a finished build, as its clients of 2018 check it: one line for each file that somebody flashes or reads to
 * do so. What else an ImageBuilder left (a bill of materials, a list of its own) has no line, and nobody misses one.
 */
import type { StoredFile } from '../build/build-record.ts';
import { isMadeHere } from './file-path.ts';

const PROFILES_JSON = 'profiles.json';
const MANIFEST = /\.manifest$/;

/** Lines `<64 hex> *<name>`, sorted by name, of images, manifest and `profiles.json`. */
export function imageSums(files: readonly StoredFile[], images: readonly { readonly name: string }[]): string {
  const imageNames = new Set(images.map(({ name }) => name));
  return files
    .filter(({ name }) => !isMadeHere(name))
    .filter(({ name }) => imageNames.has(name) || MANIFEST.test(name) || name === PROFILES_JSON)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, sha256 }) => `${sha256} *${name}\n`)
    .join('');
}
