/**
 * What a router has installed, in the words of whichever program listed it. The format is seen by the first line and holds for
 * the rest: a line that is read in another way than it was meant would send a router to a wrong image, so it is named instead.
 */
import { printable, quoted } from '../text/printable.ts';
import { isPackageName, PACKAGE_VERSION } from './grammar.ts';

export class InstalledListError extends Error {
  override readonly name = 'InstalledListError';
  /** `line 3`, the name of a package; empty: all of it. */
  readonly where: string;

  constructor(where: string, message: string) {
    super(message);
    this.where = where;
  }
}

export type Installed = Readonly<Record<string, string>>;

type Entry = readonly [name: string, version: string];

interface LineFormat {
  /** As the program would be called. */
  readonly name: string;
  readonly expected: string;
  readonly read: (line: string) => Entry | null;
}

const MAX_VERSION = 128;
const MAX_LINE = 1000;

/** `libnghttp2-14-1.63.0-r1`: a version begins with a digit and has no dash but that of its release. */
const APK_NAME = /^(.+)-(\d[\w.~+]*(?:-r\d+)?)$/;

const apkName = (word: string): Entry | null => {
  const [, name = '', version = ''] = APK_NAME.exec(word) ?? [];
  return entry(name, version);
};

const LINE_FORMATS: readonly LineFormat[] = [
  {
    name: 'opkg list-installed',
    expected: 'NAME - VERSION',
    read: (line) => {
      const [name = '', version = ''] = line.split(' - ', 2);
      return entry(name.trim(), version.trim());
    },
  },
  {
    name: 'apk list --installed',
    expected: 'NAME-VERSION ARCH {ORIGIN} (LICENSE) [installed]',
    read: (line) => (line.endsWith('[installed]') ? apkName(line.split(' ', 1)[0] ?? '') : null),
  },
  {
    name: 'apk list --manifest',
    expected: 'NAME VERSION',
    read: (line) => {
      const [name = '', version = '', ...more] = line.split(' ');
      return more.length === 0 && /^\d/.test(version) ? entry(name, version) : null;
    },
  },
  {
    name: 'apk info -v',
    expected: 'NAME-VERSION',
    read: apkName,
  },
];

/** Name → version. @throws InstalledListError naming the line that is wrong, and what was expected there */
export function installedList(text: string): Installed {
  const start = text.trimStart();
  const entries = start.startsWith('{')
    ? fromJson(start)
    : start.startsWith('Package:')
      ? fromStatus(text)
      : fromLines(text);
  if (entries.length === 0) refuse('', 'expected installed packages, got none');
  return Object.fromEntries(entries);
}

function refuse(where: string, message: string): never {
  throw new InstalledListError(where, message);
}

const entry = (name: string, version: string): Entry | null =>
  isPackageName(name) && version !== '' && version.length <= MAX_VERSION && PACKAGE_VERSION.test(version)
    ? [name, version]
    : null;

function fromLines(text: string): readonly Entry[] {
  let format: LineFormat | undefined;
  const entries: Entry[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    const told = line.trim();
    // What apk says besides, where both of its streams went into the file.
    if (told === '' || told.startsWith('WARNING: ')) continue;
    const where = `line ${at + 1}`;
    if (told.length > MAX_LINE) refuse(where, `expected at most ${MAX_LINE} characters, got ${told.length}`);
    format ??= LINE_FORMATS.find(({ read }) => read(told) !== null);
    if (format === undefined)
      return refuse(
        where,
        `expected ${LINE_FORMATS.map(({ name }) => name).join(', ')}, JSON or a status file of opkg, got ${shown(told)}`,
      );
    entries.push(
      format.read(told) ?? refuse(where, `expected ${format.expected} as ${format.name} prints it, got ${shown(told)}`),
    );
  }
  return entries;
}

/** `/usr/lib/opkg/status`: paragraphs of fields. What was removed and left its settings is there too, and is not installed. */
function fromStatus(text: string): readonly Entry[] {
  const entries: Entry[] = [];
  let fields = new Map<string, string>();
  let begun = 0;
  const lines = [...text.split('\n'), ''];
  for (const [at, line] of lines.entries()) {
    const [, name, value = ''] = /^([A-Za-z][\w-]*):(.*)/.exec(line) ?? [];
    if (name !== undefined) {
      if (fields.size === 0) begun = at + 1;
      fields.set(name.toLowerCase(), value.trim());
    } else if (line.trim() === '') {
      if (fields.size > 0) entries.push(...fromParagraph(fields, begun));
      fields = new Map();
    } else if (!/^\s/.test(line) || fields.size === 0)
      refuse(`line ${at + 1}`, `expected FIELD: VALUE as in a status file of opkg, got ${shown(line)}`);
  }
  return entries;
}

function fromParagraph(fields: ReadonlyMap<string, string>, line: number): readonly Entry[] {
  const [name = '', version = '', status] = ['package', 'version', 'status'].map((field) => fields.get(field));
  if (status !== undefined && status.split(' ').at(-1) !== 'installed') return [];
  const where = `the paragraph of line ${line}`;
  return [
    entry(name, version) ?? refuse(where, `expected a package and its version, got ${shown(`${name} ${version}`)}`),
  ];
}

/** Names and versions, or what holds them under `packages` (as `ubus call rpc-sys packagelist` answers). */
function fromJson(text: string): readonly Entry[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return refuse('', `expected JSON, since it begins with a brace: ${printable((error as Error).message, 200)}`);
  }
  const { packages } = json as { readonly packages?: unknown };
  const versions = typeof packages === 'object' && packages !== null ? packages : (json as object);
  return Object.entries(versions).map(([name, version]) => {
    const told = typeof version === 'string' ? entry(name, version) : null;
    return told ?? refuse(shown(name), `expected the name of a package and its version, got ${shownJson(version)}`);
  });
}

const shown = (text: string): string => quoted(text, 80);

/** Lists and objects are not written out: what is a hundred thousand of them deep cannot be. */
const shownJson = (value: unknown): string =>
  typeof value === 'object' && value !== null ? 'an object or a list' : shown(JSON.stringify(value));
