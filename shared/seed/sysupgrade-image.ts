/**
 * Which of a build's images an old client is given to flash: it takes one name and asks no questions. A PC of then started by
 * BIOS, and a router keeps its settings in an overlay, so what fits those comes first.
 */
import type { RecordedImage } from '../build/build-record.ts';

type Image = Pick<RecordedImage, 'name' | 'type' | 'filesystem'>;

/** Best first. `combined` is what a PC flashes, `sdcard` what a board without flash of its own does. */
const TYPES = ['sysupgrade', 'combined', 'combined-efi', 'sdcard'];
/** Others are worse, and equally so. */
const FILESYSTEMS = ['squashfs', 'ext4'];

/** Undefined where the build has none that can be flashed over a running system. */
export function sysupgradeImage<I extends Image>(images: readonly I[]): I | undefined {
  const flashable = images.filter(({ type }) => TYPES.includes(type));
  return flashable.sort((a, b) => rank(TYPES, a.type) - rank(TYPES, b.type) || byFilesystem(a, b))[0];
}

const byFilesystem = (a: Image, b: Image): number => rank(FILESYSTEMS, a.filesystem) - rank(FILESYSTEMS, b.filesystem);

const rank = (order: readonly string[], word: string): number =>
  order.includes(word) ? order.indexOf(word) : order.length;
