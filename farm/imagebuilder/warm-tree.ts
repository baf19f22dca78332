/**
 * What every build of an ImageBuilder would do first, done once while its tree is still nobody's: the list of profiles, its
 * own signing key, the check of the host's tools, the index of the packages that it carries. After this nothing writes to
 * the tree any more. The feeds' lists and packages are not among it: the tree's `dl/` knows them by name, and a package that
 * was rebuilt under its old name would fail every later build. They come from the package proxy, which knows digests.
 */

/** Runs make in the tree, with nothing else in its reach; resolves with how it ended. */
export type MakeInTree = (args: readonly string[]) => Promise<{ readonly ok: boolean; readonly stdout: string }>;

/**
 * The targets are the ImageBuilder's own (its Makefile: `image` depends on each of them). Whichever fails here would fail in a
 * build as well, and there it is told; so nothing but `info` decides. A machine that ran out of something is another matter:
 * then `make` throws, where it says so. Making the index says nothing at all, and half of one would be taken for a whole:
 * so it is looked at (whole-index.ts).
 */
const WARMING: readonly { readonly args: readonly string[]; readonly makes: readonly string[] }[] = [
  { args: ['-s', '_check_keys'], makes: [] },
  { args: ['-s', 'staging_dir/host/.prereq-build'], makes: [] },
  { args: ['-s', 'package_index'], makes: ['Packages', 'Packages.gz', 'Packages.sig', 'packages.adb'] },
];

/** `packages/` of the tree, with the index of what lies there. */
export interface CarriedPackages {
  isIndexWhole(): Promise<boolean>;
  /** Removes a file. */
  forget(name: string): Promise<void>;
}

/**
 * @returns what `make info` printed, or null where it failed; a build then asks again and tells why
 */
export async function warmTree(
  make: MakeInTree,
  packages: CarriedPackages,
  tell: (line: string) => void,
): Promise<string | null> {
  for (const { args, makes } of WARMING) {
    if ((await make(args)).ok && (makes.length === 0 || (await packages.isIndexWhole()))) continue;
    for (const name of makes) await packages.forget(name);
    tell(`make ${args.join(' ')} failed in a new ImageBuilder: each build will do it again`);
  }
  // Last: `-include .profiles.mk` makes each of the others write it as well.
  const info = await make(['info']);
  return info.ok ? info.stdout : null;
}
