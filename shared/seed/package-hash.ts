/** The hash by which a name of a package is found in a `PackageTable`, taken on character by character: FNV-1a, cut to a small integer. */

export const NO_HASH = 0x11c9dc5;

export const withCode = (hash: number, code: number): number => Math.imul(hash ^ code, 0x01000193) & 0x3fffffff;

export function hashOf(name: string): number {
  let hash = NO_HASH;
  for (let at = 0; at < name.length; at++) hash = withCode(hash, name.charCodeAt(at));
  return hash;
}
