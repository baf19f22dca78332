/**
 * What a reader has chosen, as the builder's address has it: `/?version=24.10.1&target=x86/64&profile=generic&packages=luci,vim`. A link is
 * written by one view and read by another, or comes from somebody else: whatever in it is outside the grammar of a request is left out and
 * told, and never goes any further.
 */
import { FILESYSTEMS, isPackageName, PROFILE_ID, TARGET, WORD } from '../../shared/grammar.ts';

/** Null: not chosen (yet). */
export interface Selection {
  readonly version: string | null;
  readonly target: string | null;
  readonly profile: string | null;
  /** Plain names of all that the image shall have; null: what the device has by default. */
  readonly packages: readonly string[] | null;
  readonly filesystem?: string;
  readonly rootfsSizeMb?: number;
}

export interface ReadSelection extends Selection {
  /** Words of the address that mean nothing, as they stand there: text of a stranger. */
  readonly refused: readonly string[];
}

/** As many as a request may have (shared/build-request.ts, which a browser need not load). */
export const MAX_SELECTED = 1000;
const MAX_WORD = 128;
/** MiB, as a request has it: 1 to 999,999. */
const SIZE = /^[1-9]\d{0,5}$/;

/** Without the `?`; empty where nothing is chosen. Commas and slashes stay as they are: people read addresses. */
export function toQuery({ version, target, profile, packages, filesystem, rootfsSizeMb }: Selection): string {
  const query = new URLSearchParams();
  if (version !== null) query.set('version', version);
  if (target !== null) query.set('target', target);
  if (profile !== null) query.set('profile', profile);
  if (packages !== null) query.set('packages', packages.join(','));
  if (filesystem !== undefined) query.set('filesystem', filesystem);
  if (rootfsSizeMb !== undefined) query.set('rootfs_size_mb', String(rootfsSizeMb));
  return query.toString().replaceAll('%2C', ',').replaceAll('%2F', '/');
}

export function fromQuery(query: URLSearchParams): ReadSelection {
  const refused: string[] = [];
  const read = (name: string, isValid: (value: string) => boolean): string | null => {
    const value = query.get(name);
    if (value === null || value === '') return null;
    if (isValid(value)) return value;
    refused.push(value);
    return null;
  };
  const filesystem = read('filesystem', (value) => FILESYSTEMS.some((known) => known === value));
  const rootfsSizeMb = read('rootfs_size_mb', (value) => SIZE.test(value));
  const selection: Selection = {
    version: read('version', (value) => isWord(value, WORD)),
    target: read('target', (value) => isWord(value, TARGET)),
    profile: read('profile', (value) => isWord(value, PROFILE_ID)),
    packages: readPackages(query.get('packages'), refused),
    ...(filesystem !== null && { filesystem }),
    ...(rootfsSizeMb !== null && { rootfsSizeMb: Number(rootfsSizeMb) }),
  };
  return { ...selection, refused };
}

const isWord = (value: string, grammar: RegExp): boolean =>
  value.length <= MAX_WORD && grammar.test(value) && value !== '.' && value !== '..';

/** An empty list is a choice as well: nothing but what the image cannot be without. */
function readPackages(list: string | null, refused: string[]): readonly string[] | null {
  if (list === null) return null;
  const packages = new Set<string>();
  for (const name of list.split(',').filter((word) => word !== '')) {
    if (isPackageName(name) && packages.size < MAX_SELECTED) packages.add(name);
    else if (!packages.has(name)) refused.push(name);
  }
  return [...packages];
}
