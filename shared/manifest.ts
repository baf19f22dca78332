/**
 * The list of installed packages: what `make manifest` prints and what lies beside an image as `*.manifest`. Freshness and
 * the comparison with the request are made from it, so a line that is not one is left out rather than guessed at.
 */
import { isPackageName, PACKAGE_VERSION } from './grammar.ts';

export type Manifest = Readonly<Record<string, string>>;

/**
 * `name - version`, or `name version` as apk's own list had it between November 2024 and July 2025. Sorted by name.
 * Warnings that stray into stdout have neither form.
 */
export function parseManifest(text: string): Manifest {
  const lines = text.split('\n').map((line) => line.trim());
  const dashed = lines.some((line) => line.includes(' - '));
  const entries = lines.flatMap((line): [string, string][] => {
    const [name = '', version = '', ...rest] = line.split(dashed ? ' - ' : ' ');
    const isEntry = rest.length === 0 && isPackageName(name) && version !== '' && PACKAGE_VERSION.test(version);
    return isEntry ? [[name, version]] : [];
  });
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries);
}

/**
 * True where two lists can be of one installation. Names are not compared: one may carry ABI versions (`libubox20230523`)
 * that the other has dropped, and neither says where a name ends and its ABI begins.
 */
export function areSameInstallation(one: Manifest, other: Manifest): boolean {
  const versions = (manifest: Manifest) => Object.values(manifest).sort().join('\n');
  return Object.keys(one).length === Object.keys(other).length && versions(one) === versions(other);
}
