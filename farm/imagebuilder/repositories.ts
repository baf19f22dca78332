/**
 * Where a build takes its packages from. The ImageBuilder's own file names upstream's public host; the order names the mirror
 * that the catalogue read, and both must be one, else the image is not made of what was checked. Each entry is code that
 * ends up in firmware, so the file is written as a whole from judged lines, never by appending what somebody sent.
 */
import { BuildError } from '../../shared/build-error.ts';
import { REPOSITORY_NAME } from '../../shared/grammar.ts';
import { isPlainUrl } from '../../shared/repository-allow-list.ts';
import type { Era } from './era.ts';

export interface RepositoryWishes {
  /** Directory of the version on the mirror, without a trailing slash. */
  readonly versionUrl: string;
  readonly target: string;
  readonly foreign: readonly { readonly name: string; readonly url: string }[];
  readonly mode: 'append' | 'replace';
}

/** Printable ASCII that neither a shell nor opkg nor apk gives a meaning of its own; no user info, query or fragment. */
export const PLAIN_URL = /^https?:\/\/[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~+,=@:%-]*)*$/;

/** Below the version's directory; everything before it is the host's business (a path prefix included). */
const VERSION_PATH =
  /\/((?:targets\/[a-z0-9_]+\/[a-z0-9_]+\/(?:packages|kmods\/[A-Za-z0-9._-]+)|packages\/[A-Za-z0-9._+-]+\/[A-Za-z0-9._-]+)(?:\/packages\.adb)?)\/?$/;

/**
 * The new text of `repositories.conf` or `repositories`.
 * @throws BuildError `bad_request` for a foreign repository that takes an upstream feed's name, `internal` for a file of a
 * shape that we do not know
 */
export function rewriteRepositories(era: Era, text: string, wishes: RepositoryWishes): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const foreign = wishes.foreign.map((entry) => checked(entry));
  if (era === 'apk') {
    const upstream = wishes.mode === 'replace' ? [] : lines.map((url) => rebase(url, wishes));
    return asText([...upstream, ...foreign.map(({ url }) => url)]);
  }
  const entries = lines.map((line) => line.split(/\s+/));
  const isRemote = (words: string[]) => /^src/.test(words[0] ?? '') && /^https?:/.test(words[2] ?? '');
  const upstream = wishes.mode === 'replace' ? [] : entries.filter(isRemote);
  const taken = new Set(upstream.map((words) => words[1]));
  for (const { name } of foreign)
    if (taken.has(name) || name === 'imagebuilder')
      throw new BuildError('bad_request', `Repository name not allowed: ${name} is the name of a feed of this version`);
  return asText([
    ...upstream.map(([kind, name, url]) => `${kind} ${name} ${rebase(url ?? '', wishes)}`),
    ...foreign.map(({ name, url }) => `src/gz ${name} ${url}`),
    // The local repository (`src imagebuilder file:packages`) and options such as check_signature stay as they are.
    ...entries.filter((words) => !isRemote(words)).map((words) => words.join(' ')),
  ]);
}

function rebase(url: string, wishes: RepositoryWishes): string {
  const below = VERSION_PATH.exec(url)?.[1];
  const target = below?.startsWith('targets/') ? below.split('/').slice(1, 3).join('/') : wishes.target;
  if (below === undefined || target !== wishes.target)
    throw new BuildError(
      'internal',
      `Error: Expected the ImageBuilder to name feeds of ${wishes.target}, got ${url}. This is not a fault of your request`,
    );
  return `${wishes.versionUrl.replace(/\/+$/, '')}/${below}`;
}

function checked(entry: { readonly name: string; readonly url: string }): { name: string; url: string } {
  if (!REPOSITORY_NAME.test(entry.name) || !isPlainUrl(entry.url))
    throw new BuildError('bad_request', `Repository not allowed: ${entry.url}`);
  return entry;
}

const asText = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
