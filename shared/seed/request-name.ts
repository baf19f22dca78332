/**
 * Under which name a request of the old API goes, and who may go under it. The name has 12 digits, so two requests can be made
 * to have the same one on purpose; the identity tells them apart, and holds all that was asked, `model` included.
 */
import { hmacSha256Hex, sha256Hex } from '../crypto/digest.ts';
import { canonical } from '../request/canonical.ts';
import type { SeedRequest } from './build-request-fields.ts';
import { defaultsHash, shortRequestHash } from './hashes.ts';

export interface RequestName {
  /** 12 digits, as clients of then compute them. */
  readonly name: string;
  /** 64 digits. */
  readonly identity: string;
}

/** `defaultsKey`: the server's, so that neither of the two tells what a first-boot script says. */
export function requestName(asked: SeedRequest, defaultsKey: Uint8Array): RequestName {
  const { dialect, distro, version, target, subtarget, board, model, request } = asked;
  const { packages, defaults } = request;
  const mac = defaults === '' ? '' : hmacSha256Hex(defaultsKey, defaults);
  const fields = [dialect, distro, version, target, subtarget ?? '', board, model, [...new Set(packages)].sort(), mac];
  return {
    name: shortRequestHash({ ...asked, packages, defaultsHash: defaultsHash(defaultsKey, defaults) }),
    identity: sha256Hex(canonical(['asu-seed-name-1', ...fields])),
  };
}
