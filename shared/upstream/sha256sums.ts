/**
 * `sha256sums` of a target directory: `<64 hex> *<path>` a line, recursive. It is the one file that upstream signs, so
 * everything else of a target is believed only as far as it is listed here.
 */

/** Path below the target's directory → sha256. Where a path stands twice with two digests, it vouches for neither. */
export type Sha256Sums = ReadonlyMap<string, string>;

/** The characters of upstream's names; a backslash, `%`, `?` or `#` would mean something else in a URL. */
const LINE = /^([0-9a-f]{64}) [ *]([\w.+~,/-]{1,300})$/;

/**
 * Lines that are none are skipped; a path that is absolute or climbs out of its directory is none.
 * @throws Error when there is no valid line at all: that is a login page or an empty file, not a list of digests
 */
export function parseSha256Sums(text: string): Sha256Sums {
  const sums = new Map<string, string>();
  const contradicted = new Set<string>();
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [, digest, path] = match as unknown as [string, string, string];
    if (path.startsWith('/') || path.split('/').some((segment) => segment === '..' || segment === '.')) continue;
    const earlier = sums.get(path);
    if (earlier !== undefined && earlier !== digest) contradicted.add(path);
    sums.set(path, digest);
  }
  for (const path of contradicted) sums.delete(path);
  if (sums.size === 0) throw new Error('expected lines of "<sha256> *<path>", got none');
  return sums;
}

export interface ListedImageBuilder {
  readonly file: string;
  readonly sha256: string;
}

/** Not in one expression: with a run of characters on both sides of `imagebuilder-` it takes a square of the name. */
const NAME = /^[A-Za-z0-9][\w.+-]*$/;
const ENDING = /Linux-x86_64\.tar\.(?:zst|xz|gz)$/;
const isImageBuilder = (path: string): boolean =>
  path.slice(0, Math.max(path.search(ENDING), 0)).includes('imagebuilder-', 1) && NAME.test(path);
/** Of those that are too many, in a sentence. */
const MAX_NAMED = 3;

/** @throws Error when there is not exactly one ImageBuilder for x86_64 Linux: any choice of ours could be the wrong one */
export function findImageBuilder(sums: Sha256Sums): ListedImageBuilder {
  const found = [...sums].filter(([path]) => isImageBuilder(path));
  const [only] = found;
  if (!only || found.length > 1) {
    const named = found.slice(0, MAX_NAMED).map(([file]) => file);
    const more = found.length > MAX_NAMED ? ` and ${found.length - MAX_NAMED} more` : '';
    const got = found.length === 0 ? 'none' : `${named.join(', ')}${more}`;
    throw new Error(`expected exactly one ImageBuilder for Linux-x86_64, got ${got}`);
  }
  return { file: only[0], sha256: only[1] };
}
