/**
 * The command that makes the image of a request again, in an unpacked ImageBuilder: what stands in a statement as the recipe. It
 * is made of the request alone, so that a node cannot put one of its own before somebody who wants to check it at home.
 */
import type { StatedRequest } from './stated-request.ts';

/** As nodes cut it: tells files apart by eye, nothing more. */
const EXTRA_NAME_LENGTH = 12;

/** `FILES=files`: a directory with the first-boot script, which nobody but who asked for the image has. */
export function rebuildCommand(request: StatedRequest, requestHash: string): string[] {
  const removed = request.removePackages.toSorted().map((name) => `-${name}`);
  return [
    'make',
    'image',
    `PROFILE=${request.profile}`,
    `PACKAGES=${[...request.addPackages.toSorted(), ...removed].join(' ')}`,
    'BIN_DIR=bin',
    `EXTRA_IMAGE_NAME=${requestHash.slice(0, EXTRA_NAME_LENGTH)}`,
    ...(request.firstBootScript ? ['FILES=files'] : []),
    ...(request.rootfsSizeMb === null ? [] : [`ROOTFS_PARTSIZE=${request.rootfsSizeMb}`]),
  ];
}
