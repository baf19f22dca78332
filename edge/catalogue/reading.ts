/**
 * A document is a function of the files it was compiled from, so it is current while each of those is unchanged. A Reading
 * remembers what was read; `isCurrent` asks for the same again, conditionally. Files that `sha256sums` vouches for need no
 * question of their own: they cannot change without it.
 */
import type { Upstream, Validators } from './upstream.ts';

export type FileRecord =
  | { readonly path: string; readonly state: 'found'; readonly sha256: string; readonly validators: Validators }
  | { readonly path: string; readonly state: 'absent' };

/** Upstream cannot be used now: down, half-published, or not what its signature says. The last good copy stays. */
export class UpstreamTrouble extends Error {
  override readonly name = 'UpstreamTrouble';
}

export interface ReadFile {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

export class Reading {
  readonly #upstream: Upstream;
  readonly #files: FileRecord[] = [];

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  /** What the document depends on; a file that was in trouble is in it as one that has changed. */
  get files(): readonly FileRecord[] {
    return this.#files;
  }

  /**
   * Null: there is no such file.
   * @throws UpstreamTrouble
   */
  async read(path: string): Promise<ReadFile | null> {
    const fetched = await this.#upstream.get(path);
    switch (fetched.state) {
      case 'found':
        this.#files.push({ path, state: 'found', sha256: fetched.sha256, validators: fetched.validators });
        return { text: decoder.decode(fetched.bytes), bytes: fetched.bytes, sha256: fetched.sha256 };
      case 'absent':
        this.#files.push({ path, state: 'absent' });
        return null;
      default:
        // No digest is empty, so this never passes for unchanged.
        this.#files.push({ path, state: 'found', sha256: '', validators: { etag: null, lastModified: null } });
        throw new UpstreamTrouble(
          fetched.state === 'trouble' ? fetched.reason : `${path}: answered 304 to no question`,
        );
    }
  }

  /**
   * A file whose digest is known from a file that is believed.
   * @throws UpstreamTrouble also where it is absent or another: then the directory is being published right now, or is not
   *   what was signed
   */
  async readVouched(path: string, sha256: string): Promise<ReadFile> {
    const fetched = await this.#upstream.get(path);
    if (fetched.state === 'trouble') throw new UpstreamTrouble(fetched.reason);
    if (fetched.state !== 'found')
      throw new UpstreamTrouble(`${path}: sha256sums lists it, but it is not there; half-published?`);
    if (fetched.sha256 !== sha256)
      throw new UpstreamTrouble(`${path}: its sha256 is not the one in sha256sums; half-published?`);
    return { text: decoder.decode(fetched.bytes), bytes: fetched.bytes, sha256 };
  }
}

const decoder = new TextDecoder();

/** The reason of a parser, with the file it speaks of. */
export function parsed<Result>(path: string, parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    throw new UpstreamTrouble(`${path}: ${(error as Error).message}`);
  }
}

/**
 * Whether nothing has changed. Some files in trouble count as a change: compiling knows which of them it can do without.
 * @throws UpstreamTrouble where the first file cannot be had: then the mirror is down, and asking for forty more files would
 *   only take forty more timeouts
 */
export async function isCurrent(files: readonly FileRecord[], upstream: Upstream): Promise<boolean> {
  const [first, ...rest] = files;
  if (!first) return false;
  const verdict = await compare(first, upstream);
  if (typeof verdict === 'object') throw new UpstreamTrouble(verdict.reason);
  if (verdict === 'changed') return false;
  const verdicts = await Promise.all(rest.map((file) => compare(file, upstream)));
  return verdicts.every((each) => each === 'same');
}

async function compare(
  file: FileRecord,
  upstream: Upstream,
): Promise<'same' | 'changed' | { readonly reason: string }> {
  const fetched = await upstream.get(file.path, file.state === 'found' ? file.validators : undefined);
  switch (fetched.state) {
    case 'trouble':
      return fetched;
    case 'unchanged':
      return 'same';
    case 'absent':
      return file.state === 'absent' ? 'same' : 'changed';
    case 'found':
      // A mirror without validators sends the file anew each time: then its digest tells.
      return file.state === 'found' && file.sha256 === fetched.sha256 ? 'same' : 'changed';
  }
}
