/**
 * The words that make is called with. make expands every value (`$(shell …)`), its recipes put them into double quotes of a
 * shell, and the sub-make expands them again: CVE-2024-54143. So there is no quoting that would help; a word may only
 * consist of bytes that nobody on the way gives a meaning, and what a user chose is never a word of its own.
 */
import { isPackageName, PROFILE_ID } from '../../shared/request/grammar.ts';

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

interface Gate {
  readonly expected: string;
  readonly lets: (value: string) => boolean;
}

const NAMES_OF_PACKAGES = 'names of packages, with a "-" before those that are removed';

const directory: Gate = {
  expected: 'a path of letters, digits and "/", "_", "." and "-" that does not climb',
  lets: (value) => /^[A-Za-z0-9/][A-Za-z0-9/_.-]*$/.test(value) && !value.split('/').includes('..'),
};

/** Every variable that make is ever given. The last gate: an order was checked before, and a mistake of ours was not. */
const VARIABLES = {
  PROFILE: { expected: 'a profile', lets: (value) => PROFILE_ID.test(value) },
  PACKAGES: {
    expected: NAMES_OF_PACKAGES,
    lets: (value) => value === '' || value.split(' ').every((word) => isPackageName(word.replace(/^-/, ''))),
  },
  STRIP_ABI: { expected: '1', lets: (value) => value === '1' },
  BIN_DIR: directory,
  FILES: directory,
  EXTRA_IMAGE_NAME: { expected: 'small letters and digits', lets: (value) => /^[a-z0-9]{1,64}$/.test(value) },
  ROOTFS_PARTSIZE: { expected: 'a whole number of MiB', lets: (value) => /^[1-9][0-9]{0,5}$/.test(value) },
} as const satisfies Record<string, Gate>;

type Variable = keyof typeof VARIABLES;

/** What Linux takes as one word; make's sub-make gets as much again around it. */
const MAX_WORD_LENGTH = 100_000;

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
function packagesWord({ addPackages, removePackages }: Selection): string {
  // Before they are joined: two names in one would look like two names.
  if (![...addPackages, ...removePackages].every(isPackageName)) throw refused('PACKAGES', NAMES_OF_PACKAGES);
  return [...addPackages.toSorted(), ...removePackages.toSorted().map((name) => `-${name}`)].join(' ');
}

function assignments(variables: Readonly<Partial<Record<Variable, string>>>): string[] {
  return Object.entries(variables).map(([name, value]) => {
    const { expected, lets } = VARIABLES[name as Variable];
    if (value.length > MAX_WORD_LENGTH || !lets(value)) throw refused(name, expected);
    return `${name}=${value}`;
  });
}

/** Without the value: whoever gets here with a bad one was not checked, and neither is what it would print. */
const refused = (name: string, expected: string): Error =>
  new Error(`expected ${name} to be ${expected}, got something else`);
