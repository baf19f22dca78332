/**
 * What a reader has chosen, as the address says it. The first-boot script is no part of it: it may hold passwords, and addresses
 * are kept in histories, sent to others and logged.
 */
import { FILESYSTEMS, isPackageName, PROFILE_ID, TARGET } from '../../shared/request/grammar.ts';

export type FileSystem = (typeof FILESYSTEMS)[number];

export interface Device {
  readonly target: string;
  readonly profile: string;
}

export interface Choice {
  /** Null: the newest stable one. */
  readonly version: string | null;
  readonly device: Device | null;
  /** As the API takes them: `name`, or `-name` to remove one. What is no name stays, to be told. */
  readonly packages: readonly string[];
  /** Null: all that the device has. */
  readonly fileSystem: FileSystem | null;
  /** As it was typed; empty: the device's own. */
  readonly rootfsMb: string;
}

/** As many as a request may have. */
export const MAX_PACKAGES = 1_000;
const MAX_WORD = 128;

/** Anybody can write an address: what cannot be a choice is none. */
export function choiceOf(query: URLSearchParams): Choice {
  const [target, profile] = [query.get('target') ?? '', query.get('profile') ?? ''];
  const isDevice = TARGET.test(target) && PROFILE_ID.test(profile) && target.length + profile.length <= 2 * MAX_WORD;
  return {
    version: query.get('version')?.slice(0, MAX_WORD) || null,
    device: isDevice ? { target, profile } : null,
    packages: packageWords(query.get('packages') ?? ''),
    fileSystem: FILESYSTEMS.find((name) => name === query.get('filesystem')) ?? null,
    rootfsMb: (query.get('rootfs_size_mb') ?? '').slice(0, 8),
  };
}

export function addressOf({ version, device, packages, fileSystem, rootfsMb }: Choice): string {
  const members: readonly (readonly [string, string | null | undefined])[] = [
    ['version', version],
    ['target', device?.target],
    ['profile', device?.profile],
    ['packages', packages.join(',')],
    ['filesystem', fileSystem],
    ['rootfs_size_mb', rootfsMb],
  ];
  const query = new URLSearchParams(members.flatMap(([name, value]) => (value ? [[name, value]] : [])));
  const text = query.toString().replaceAll('%2F', '/').replaceAll('%2C', ',');
  return text === '' ? '/' : `/?${text}`;
}

/** Separated by whatever people paste: spaces, commas, lines. Each once; one too many tells that they are. */
export function packageWords(text: string): readonly string[] {
  const words = text.split(/[\s,;]+/).filter((word) => word !== '');
  return [...new Set(words.map((word) => word.replace(/^\+/, '').slice(0, MAX_WORD)))].slice(0, MAX_PACKAGES + 1);
}

/** Of a word of the list, without the sign. */
export const nameOf = (word: string): string => word.replace(/^-/, '');

export const isRemoval = (word: string): boolean => word.startsWith('-');

export const isWord = (word: string): boolean => isPackageName(nameOf(word));
