/**
 * The short hashes of the old API, as its clients compute and show them. Names only: cut to 12 or 15 digits two requests can be
 * made to share one (CVE-2024-54143), so nothing is ever cached or looked up by them but the full hash they were given for.
 */
import { hmacSha256Hex, sha256Hex } from '../crypto/digest.ts';
import { IMAGE_HASH_DIGITS } from './file-path.ts';

const NAME_DIGITS = 12;
const DEFAULTS_HASH_DIGITS = 32;

/** Of the names as sent, in any order; "" for none. */
export function packagesHash(names: readonly string[]): string {
  if (names.length === 0) return '';
  return sha256Hex([...new Set(names)].sort().join(' ')).slice(0, NAME_DIGITS);
}

/**
 * "" for none. A MAC where the old server had a plain sha256, by which anybody could try passwords; no client computes it.
 * `key`: the server's, for `defaults`.
 */
export const defaultsHash = (key: Uint8Array, defaults: string): string =>
  defaults === '' ? '' : hmacSha256Hex(key, defaults).slice(0, DEFAULTS_HASH_DIGITS);

/** What a `request_hash` is made of, each as it was sent. */
export interface NamedRequest {
  readonly distro: string;
  readonly version: string;
  readonly target: string;
  /** In the split dialect alone. */
  readonly subtarget?: string | undefined;
  readonly board: string;
  /** Of `defaultsHash`. */
  readonly defaultsHash: string;
  readonly packages: readonly string[];
}

/** 12 digits: what the old API calls `request_hash`. */
export function shortRequestHash(request: NamedRequest): string {
  const fields = [
    request.distro,
    request.version,
    request.target,
    ...(request.subtarget === undefined ? [] : [request.subtarget]),
    request.board.replaceAll(',', '_'),
    request.defaultsHash,
    packagesHash(request.packages),
  ];
  return sha256Hex(fields.join(' ')).slice(0, NAME_DIGITS);
}

export const isShortRequestHash = (value: string): boolean => /^[0-9a-f]{12}$/.test(value);

/** 15 digits: names a set of packages with their versions. `manifest`: name → version. */
export function manifestHash(manifest: Readonly<Record<string, string>>): string {
  const lines = Object.keys(manifest)
    .sort()
    .map((name) => `${name} - ${manifest[name]}\n`);
  return sha256Hex(lines.join('')).slice(0, IMAGE_HASH_DIGITS);
}
