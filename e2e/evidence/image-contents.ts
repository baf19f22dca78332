/** What is in an image of the demo's device, whatever its name, its manifest and its digest say. */
import { execa } from 'execa';
import { PACKAGES, PROFILE } from '../cheap-builds.ts';

export interface ImageContents {
  /** Of PACKAGES, in their order. */
  readonly packages: readonly string[];
  /** The first-boot script; empty where there is none. */
  readonly script: string;
}

const SCRIPT = './etc/uci-defaults/99-asu-defaults';

/** @throws Error where it cannot be read */
export async function contentsOf(image: Buffer): Promise<ImageContents> {
  // A sysupgrade image is a tar with trailers behind it; the root file system of the demo is one too.
  const { stdout: root } = await execa('tar', ['-xOf', '-', `sysupgrade-${PROFILE}/root`], {
    input: image,
    encoding: 'buffer',
  });
  const listed = await execa('tar', ['-tzf', '-'], { input: root });
  const files = new Set(listed.stdout.split('\n'));
  const script = files.has(SCRIPT)
    ? await execa('tar', ['-xzOf', '-', SCRIPT], { input: root, stripFinalNewline: false })
    : undefined;
  return {
    packages: PACKAGES.filter((name) => files.has(`./usr/lib/demo/${name}`)),
    script: script?.stdout ?? '',
  };
}
