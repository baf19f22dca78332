/**
 * The list of installed packages: what `make manifest` prints and what lies beside an image as `*.manifest`. Freshness and
 * the comparison with the request are made from it, so a line that is not one is left out rather than guessed at.
 */
import { isPackageName, PACKAGE_VERSION } from '../request/grammar.ts';
import { packagesRecord } from './feed.ts';

export type Manifest = Readonly<Record<string, string>>;

/** Between a name and its version; the blank alone was apk's own form between November 2024 and July 2025. */
const SEPARATORS = [' - ', ' '] as const;
const MAX_VERSION_LENGTH = 128;

/**
 * `name - version`, or, in a text without any such line, `name version`. Sorted by name. Warnings that stray into stdout
 * have neither form, nor do they decide which form it is.
 */
export function parseManifest(text: string): Manifest {
  const lines = text.split('\n').map((line) => line.trim());
  for (const separator of SEPARATORS) {
    const packages = new Map(lines.flatMap((line) => entryOf(line, separator)));
    if (packages.size > 0) return packagesRecord(packages);
  }
  return {};
}

function entryOf(line: string, separator: (typeof SEPARATORS)[number]): [name: string, version: string][] {
  const [name = '', version = '', ...rest] = line.split(separator, 3);
  const isEntry =
    rest.length === 0 &&
    isPackageName(name) &&
    version !== '' &&
    version.length <= MAX_VERSION_LENGTH &&
    PACKAGE_VERSION.test(version) &&
    // A sentence of two words ("Enabling network") has no version; each of apk's begins with a digit.
    (separator === ' - ' || /^[0-9]/.test(version));
  return isEntry ? [[name, version]] : [];
}

/**
 * True where two lists can be of one installation. Names are not compared: one may carry ABI versions (`libubox20230523`)
 * that the other has dropped, and neither says where a name ends and its ABI begins.
 */
export function areSameInstallation(one: Manifest, other: Manifest): boolean {
  const versions = (manifest: Manifest) => Object.values(manifest).sort().join('\n');
  return versions(one) === versions(other);
}
