/**
 * What went wrong behind a door, so that a build that fails for want of a package is told as the mirror's failure, or as our
 * own, and never as an impossible selection of the user's.
 */
import { BuildError, type BuildErrorKind } from '../../shared/build/build-error.ts';
import { isDiskFull } from '../disk/disk-full.ts';
import { UpstreamFault } from './fetch-file.ts';

export interface Trouble {
  /** Upstream's URL. */
  readonly url: string;
  readonly what: string;
  readonly kind: Extract<BuildErrorKind, 'upstream_unavailable' | 'disk_full' | 'internal'>;
  /** Only for the log of whoever runs the node. */
  readonly cause: unknown;
}

/** `url` is what was asked for, for faults that are not a mirror's. */
export function troubleOf(error: unknown, url: string): Trouble {
  if (error instanceof UpstreamFault)
    return { url: error.url, what: error.what, kind: 'upstream_unavailable', cause: error };
  if (isDiskFull(error) || (error instanceof BuildError && error.kind === 'disk_full'))
    return { url, what: 'the node has no space left to store it', kind: 'disk_full', cause: error };
  return { url, what: 'the node failed to store or read it', kind: 'internal', cause: error };
}

/** More say nothing new. */
const MAX_TROUBLES = 50;

export class TroubleList {
  readonly #list: Trouble[] = [];

  get list(): readonly Trouble[] {
    return this.#list;
  }

  add(trouble: Trouble): void {
    const isKnown = this.#list.some(({ url, what }) => url === trouble.url && what === trouble.what);
    if (!isKnown && this.#list.length < MAX_TROUBLES) this.#list.push(trouble);
  }
}
