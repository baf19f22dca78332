/** The yardsticks: an ImageBuilder unpacked by hand, and make called in it as its manual says. */
import { cp, mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import type { DemoMirror, DemoRelease } from '../../farm/demo/generate-mirror.ts';
import { type UnpackedImageBuilder, unpackImageBuilder } from '../../farm/demo/unpacked-imagebuilder.ts';
import type { Wish } from './wish.ts';

export interface BareTree {
  readonly directory: string;
  /** Seconds of one `make image` into a new directory. */
  image(): Promise<number>;
  /** Seconds of `make info`, `make manifest` and `make image`, one after another, as the peer does. */
  sequence(): Promise<number>;
}

export interface BareOptions {
  readonly mirror: DemoMirror;
  readonly mirrorUrl: string;
  readonly release: DemoRelease;
  readonly directory: string;
  readonly wish: Wish;
}

/** So many trees, each of which has made the image once: keys, lists and packages are there. */
export async function warmTrees(count: number, options: BareOptions): Promise<BareTree[]> {
  const first = await unpacked(options, 0);
  await first.image();
  const others = Array.from({ length: count - 1 }, async (_, index) => {
    const directory = directoryOf(options, index + 1);
    await cp(first.directory, directory, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    return await unpacked(options, index + 1);
  });
  return [first, ...(await Promise.all(others))];
}

const directoryOf = ({ directory }: BareOptions, number: number): string => path.join(directory, `bare-${number}`);

async function unpacked(options: BareOptions, number: number): Promise<BareTree> {
  const { mirror, mirrorUrl, release, wish } = options;
  const directory = directoryOf(options, number);
  const { version } = release;
  const builder = await unpackImageBuilder({ mirror, mirrorUrl, version, target: wish.target, directory });
  const variables = { PROFILE: wish.profile, PACKAGES: wish.packages.join(' ') };
  const image = async () =>
    await run(builder, 'image', { ...variables, BIN_DIR: await mkdtemp(path.join(options.directory, 'out-')) });
  return {
    directory,
    image: () => timed(image),
    sequence: () =>
      timed(async () => {
        await run(builder, 'info');
        await run(builder, 'manifest', { ...variables, STRIP_ABI: '1' });
        await image();
      }),
  };
}

async function run(builder: UnpackedImageBuilder, goal: string, variables?: Record<string, string>): Promise<void> {
  const { code, stderr } = await builder.make(goal, variables);
  if (code !== 0) throw new Error(`expected make ${goal} to end well, got ${code}: ${stderr.slice(-500)}`);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}
