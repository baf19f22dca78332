/**
 * What votes about images are compared by: equal for equal images of which the same is told. The bytes alone would not do, since a
 * client flashes by an image's type and by the device's facts: whoever could change these could have the wrong file flashed.
 */
import type { AcceptedResult } from '../build/accept-result.ts';
import { sha256Hex } from '../crypto/digest.ts';
import { canonical } from '../request/canonical.ts';
import { canonicalJson } from './canonical-json.ts';

/** 64 hex digits. What a node tells of its other files, its command and itself is not in it: honest ones differ there. */
export const resultDigest = ({
  images,
  device,
  manifest,
}: Pick<AcceptedResult, 'images' | 'device' | 'manifest'>): string =>
  sha256Hex(
    canonical([
      images.map(({ name, sha256, type, filesystem }) => canonical([name, sha256, type, filesystem])).sort(),
      canonicalJson({ ...device }),
      Object.entries(manifest)
        .map(([name, version]) => `${name} ${version}`)
        .sort(),
    ]),
  );
