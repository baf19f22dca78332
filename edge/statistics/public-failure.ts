/**
 * A failure as strangers may read it: what failed where, and the last words of the log. Everything that could tell who asked,
 * or where a node runs, goes: hashes, addresses, paths, and names that hardly anybody asks for.
 */
import type { FailureRecord } from '../../shared/build/build-record.ts';
import type { NormalizedRequest } from '../../shared/request/normalize-request.ts';

export interface PublicFailure {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Absent in what was kept before it was. */
  readonly distro?: string;
  readonly version: string;
  readonly target: string;
  readonly profile: string;
  readonly kind: string;
  readonly detail: string;
  readonly lastLines: readonly string[];
}

/** As it is kept: with the packages that were asked for and stand in its text, which are told once they are common. */
export interface KeptFailure extends PublicFailure {
  readonly names: readonly string[];
}

const MAX_LINES = 5;
const MAX_LINE_CHARACTERS = 300;
/** The end of a log that is looked at line by line. */
const MAX_LOG_CHARACTERS = 8_192;
const RARE = '(rare)';

export function keptFailure(failure: FailureRecord, request: NormalizedRequest): KeptFailure {
  const log = failure.stderr.trim() === '' ? failure.stdout : failure.stderr;
  const lines = log.slice(-MAX_LOG_CHARACTERS).split('\n').map(scrubbed);
  const lastLines = lines.filter((line) => line !== '').slice(-MAX_LINES);
  const detail = scrubbed(failure.detail);
  const words = new Set([detail, ...lastLines].flatMap((text) => text.match(WORD) ?? []).flatMap(namesIn));
  const names = [...request.addPackages, ...request.removePackages].filter((name) => words.has(name));
  const { distro, version, target, profile } = request;
  return { at: failure.failedAt, distro, version, target, profile, kind: failure.kind, detail, lastLines, names };
}

/** `isCommon`: whether a name was used so often that it tells nothing of anybody. */
export function publicFailure(
  { names, ...failure }: KeptFailure,
  isCommon: (what: 'package' | 'profile', name: string) => boolean,
): PublicFailure {
  const rare = new Set(names.filter((name) => !isCommon('package', name)));
  const hide = (text: string): string =>
    text.replace(WORD, (word) => {
      const name = namesIn(word).find((each) => rare.has(each));
      return name === undefined ? word : RARE + word.slice(name.length);
    });
  return {
    ...failure,
    profile: isCommon('profile', failure.profile) ? failure.profile : RARE,
    detail: hide(failure.detail),
    lastLines: failure.lastLines.map(hide),
  };
}

const WORD = /[A-Za-z0-9][A-Za-z0-9_.+-]*/g;

/** The word itself; without a full stop behind it; without the version that a package manager appends. */
const namesIn = (word: string): string[] => [
  word,
  word.replace(/(?<![.-])[.-]+$/, ''),
  word.replace(/[-_]v?\d.*$/, ''),
];

/** In this order: a URL holds an address and a path. */
const SCRUBBED: readonly (readonly [RegExp, string | ((found: string) => string)])[] = [
  [/\b[a-z][a-z0-9+.-]{0,15}:\/\/\S+/gi, '(url)'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, '(address)'],
  // IPv6 and MAC: `::`, or three colons; a time of day has two.
  [/(?<![\w:])(?=[0-9a-f:]*::|(?:[0-9a-f]{1,4}:){3})[0-9a-f:]{3,45}(?![\w:])/gi, '(address)'],
  [/(?<![\w.])\/[\w.+~-]+\/[\w.+~/-]*/g, (path) => `(path)${path.slice(path.lastIndexOf('/'))}`],
  [/\b[0-9a-f]{16,}\b/gi, '(hash)'],
];

function scrubbed(text: string): string {
  let line = text.slice(0, 2 * MAX_LINE_CHARACTERS).replace(/[^\x20-\x7e]+/g, ' ');
  for (const [pattern, mark] of SCRUBBED) line = line.replace(pattern, mark as string);
  return line.trim().slice(0, MAX_LINE_CHARACTERS);
}
