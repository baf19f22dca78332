/**
 * The words that make is called with. make expands every value (`$(shell …)`), its recipes put them into double quotes of a
 * shell, and the sub-make expands them again: CVE-2024-54143. So there is no quoting that would help; a word may only
 * consist of bytes that nobody on the way gives a meaning, and what a user chose is never a word of its own.
 */

export interface Selection {
  readonly profile: string;
  readonly addPackages: readonly string[];
  readonly removePackages: readonly string[];
}

export interface ImageWishes extends Selection {
  readonly binDirectory: string;
  readonly extraImageName: string;
  /** Empty: none. */
  readonly filesDirectory: string;
  readonly rootfsSizeMb: number | undefined;
}

/** Of a value. The blank separates packages; nothing else that make or a shell knows is in here. */
export const SAFE_VALUE = /^[A-Za-z0-9_.+/ -]*$/;

export const infoArguments = (): string[] => ['info'];

export const manifestArguments = (selection: Selection): string[] => [
  'manifest',
  ...assignments({ PROFILE: selection.profile, PACKAGES: packagesWord(selection), STRIP_ABI: '1' }),
];

export const imageArguments = (wishes: ImageWishes): string[] => [
  'image',
  ...assignments({
    PROFILE: wishes.profile,
    PACKAGES: packagesWord(wishes),
    BIN_DIR: wishes.binDirectory,
    EXTRA_IMAGE_NAME: wishes.extraImageName,
    ...(wishes.filesDirectory !== '' ? { FILES: wishes.filesDirectory } : {}),
    ...(wishes.rootfsSizeMb !== undefined ? { ROOTFS_PARTSIZE: String(wishes.rootfsSizeMb) } : {}),
  }),
];

/** As `make` was called, for people: without this node's paths. */
export const commandForReading = (wishes: ImageWishes): string[] => [
  'make',
  ...imageArguments({ ...wishes, binDirectory: 'bin', filesDirectory: wishes.filesDirectory === '' ? '' : 'files' }),
];

/** Sorted, so that one wish is one command on every node. Words with `-` never reach opkg or apk; make filters by them. */
const packagesWord = ({ addPackages, removePackages }: Selection): string =>
  [...addPackages.toSorted(), ...removePackages.toSorted().map((name) => `-${name}`)].join(' ');

function assignments(variables: Readonly<Record<string, string>>): string[] {
  return Object.entries(variables).map(([name, value]) => {
    // The order was checked by a grammar before; reaching this is a mistake of ours, and must stop here all the same.
    if (!SAFE_VALUE.test(value)) throw new Error(`expected ${name} to hold only letters, digits and _.+/ -, got more`);
    return `${name}=${value}`;
  });
}
