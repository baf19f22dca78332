/**
 * Permits to send the bytes of one file that the Foreman has granted, for one PUT of up to 64 MiB. They stand in the address that the node
 * is told, so whichever isolate the bytes come to need not ask the Foreman again: there is one, and a release day brings hundreds of files
 * a second.
 *
 * A permit is bound to the node, and to these very bytes, which the store checks: sent twice they are the same object. Whether the lease
 * has ended meanwhile is not known here and need not be: a file counts only when the Foreman completes it.
 */
import type { StoredFile } from '../../shared/build/build-record.ts';
import { isPermitted, type Permitted, signPermit } from '../../shared/node/permit.ts';
import { LIFETIMES } from '../lifetimes.ts';

export class UploadPermits {
  readonly #key: Uint8Array;
  readonly #clock: { now(): number };

  /** `key`: the same in every isolate. */
  constructor(key: Uint8Array, clock: { now(): number } = Date) {
    this.#key = key;
    this.#clock = clock;
  }

  give(nodeId: string, leaseId: string, file: StoredFile): string {
    return signPermit(this.#key, sent(nodeId, leaseId, file), this.#clock.now() + LIFETIMES.grantMs);
  }

  /** `file`: as it is being sent. */
  has(nodeId: string, leaseId: string, file: StoredFile, permit: string): boolean {
    return isPermitted(this.#key, sent(nodeId, leaseId, file), permit, this.#clock.now());
  }
}

const sent = (nodeId: string, leaseId: string, { name, sizeBytes, sha256 }: StoredFile): Permitted => [
  'upload',
  nodeId,
  leaseId,
  name,
  sizeBytes,
  sha256,
];
