/**
 * Where on a mirror an ImageBuilder lies: its target's directory, whose `sha256sums` vouches for it, and the version, which
 * says whose signature counts there. Read from the URL itself, so that no order can name a file of one version and have the
 * keys of another believed.
 */
import { TARGET, WORD } from '../../shared/request/grammar.ts';
import { withoutTrailingSlashes } from '../../shared/text/trailing-slashes.ts';
import { versionPath } from '../../shared/upstream/branch.ts';

export interface UpstreamPlace {
  /** Without a slash at its end. */
  readonly directoryUrl: string;
  readonly file: string;
  /** Null where the directory is not laid out as OpenWrt's: then only the operator's own keys count for it. */
  readonly version: string | null;
  readonly target: string | null;
}

const LAYOUT = /\/(?:releases\/([\w.,-]+)|snapshots)\/targets\/(\w+\/\w+)$/;

/** Of a URL without query and fragment. */
export function placeOf(url: string): UpstreamPlace {
  const slash = url.lastIndexOf('/');
  const directoryUrl = url.slice(0, slash);
  const layout = LAYOUT.exec(directoryUrl);
  return {
    directoryUrl,
    file: url.slice(slash + 1),
    version: layout ? (layout[1] ?? 'SNAPSHOT') : null,
    target: layout?.[2] ?? null,
  };
}

/** @throws Error with a sentence for the operator, who typed them */
export function targetDirectory(upstreamUrl: string, version: string, target: string): string {
  if (!WORD.test(version) || version === '.' || version === '..')
    throw new Error(`expected a version (24.10.2, SNAPSHOT, 24.10-SNAPSHOT), got ${JSON.stringify(version)}`);
  if (!TARGET.test(target)) throw new Error(`expected target/subtarget (x86/64), got ${JSON.stringify(target)}`);
  return `${withoutTrailingSlashes(upstreamUrl)}/${versionPath(version)}/targets/${target}`;
}
