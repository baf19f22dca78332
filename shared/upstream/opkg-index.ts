/**
 * A `Packages` file with all that is needed to fetch its packages and to tell which of them exclude each other. feed.ts reads
 * the same file for the edge, which wants names and versions of ten thousand packages and nothing else. Everything in it is
 * untrusted: a word outside our grammar is dropped here, because it could end in a path or a command line.
 */
import { isSha256Hex } from '../crypto/digest.ts';
import { isPackageName, PACKAGE_VERSION } from '../request/grammar.ts';
import { quoted } from '../text/printable.ts';
import { copied, MAX_PACKAGES, withoutAbi } from './feed.ts';

/** A name in `Depends`, `Conflicts` or `Provides`, with what stands in brackets behind it: `= 5.15-1`, or nothing. */
export interface Relation {
  readonly name: string;
  readonly condition: string;
}

export interface PackageFile {
  /** As the index writes it, without a leading `./`; whoever fetches it judges it. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface IndexedPackage {
  /** As the index has it, ABI included: `libubox20230523`. */
  readonly name: string;
  /** `libubox` */
  readonly bareName: string;
  readonly version: string;
  readonly abiVersion: string;
  readonly depends: readonly Relation[];
  readonly conflicts: readonly Relation[];
  readonly provides: readonly Relation[];
  /** Null where the stanza does not say enough to know the file from another. */
  readonly file: PackageFile | null;
}

const MAX_VERSION_LENGTH = 128;
/** Real ones have at most some sixty. */
const MAX_RELATIONS = 512;

type Field = 'Version' | 'ABIVersion' | 'Depends' | 'Conflicts' | 'Provides' | 'Filename' | 'Size' | 'SHA256sum';

/**
 * In the file's order; one name may be there several times.
 * @throws Error when the text has no stanza: a web page with status 200, say. An empty text is an empty feed
 */
export function parseOpkgIndex(text: string): IndexedPackage[] {
  const packages: IndexedPackage[] = [];
  let name: string | null = null;
  let fields = new Map<string, string>();
  const finish = (): void => {
    const read = name === null ? null : packageOf(name, fields);
    if (read === null) return;
    packages.push(read);
    if (packages.length > MAX_PACKAGES)
      throw new Error(`expected at most ${MAX_PACKAGES} packages in an index, got more`);
  };
  for (const line of linesOf(text)) {
    const colon = line.indexOf(':');
    const field = line.slice(0, Math.max(colon, 0));
    if (field === 'Package') {
      finish();
      name = line.slice(colon + 1).trim();
      fields = new Map();
    } else {
      fields.set(field, line.slice(colon + 1).trim());
    }
  }
  finish();
  if (packages.length === 0 && text.trim() !== '')
    throw new Error(`expected stanzas beginning with "Package:", got ${quoted(text.trim())}`);
  return copied(packages);
}

/** Not `split`: a hundred thousand lines need not all be there at once. */
function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    yield text.slice(start, end);
    start = end + 1;
  }
}

function packageOf(name: string, fields: ReadonlyMap<string, string>): IndexedPackage | null {
  const of = (field: Field): string => fields.get(field) ?? '';
  const version = of('Version');
  if (!isPackageName(name) || version === '' || version.length > MAX_VERSION_LENGTH || !PACKAGE_VERSION.test(version))
    return null;
  const abiVersion = of('ABIVersion');
  return {
    name,
    bareName: withoutAbi(name, abiVersion),
    version,
    abiVersion,
    depends: relations(of('Depends')),
    conflicts: relations(of('Conflicts')),
    provides: relations(of('Provides')),
    file: fileOf(of('Filename'), of('Size'), of('SHA256sum').toLowerCase()),
  };
}

/** `libc, kernel (= 5.15.167-1), libwolfssl=5.7.2, @ip-any`; what is none of these is left out. */
const relations = (value: string): Relation[] =>
  value
    .split(',', MAX_RELATIONS)
    .map((entry) => {
      const word = entry.trim();
      const end = word.search(/[ (=<>~]/);
      const name = word.slice(word.startsWith('@') ? 1 : 0, end === -1 ? undefined : end);
      const condition = end === -1 ? '' : word.slice(end).replace(/[()]/g, '').trim();
      return { name, condition };
    })
    .filter(({ name, condition }) => isPackageName(name) && condition.length <= MAX_VERSION_LENGTH);

function fileOf(name: string, size: string, sha256: string): PackageFile | null {
  if (name === '' || !/^[0-9]{1,12}$/.test(size) || !isSha256Hex(sha256)) return null;
  return { name: name.replace(/^(?:\.\/)+/, ''), sizeBytes: Number(size), sha256 };
}
