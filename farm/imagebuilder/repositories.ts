/**
 * Where a build takes its packages from. The ImageBuilder's own file names upstream's public host; the order names the mirror
 * that the catalogue read, and both must be one, else the image is not made of what was checked. Each entry is code that
 * ends up in firmware, so the file is written as a whole from judged lines, never by appending what somebody sent.
 */
import { BuildError } from '../../shared/build/build-error.ts';
import { REPOSITORY_NAME } from '../../shared/request/grammar.ts';
import { isPlainUrl } from '../../shared/request/repository-allow-list.ts';
import { withoutTrailingSlashes } from '../../shared/text/trailing-slashes.ts';
import { FEED_ID, type ProxiedFeed } from '../packages/proxied-feed.ts';
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

/** One line that names a feed. */
interface Entry {
  /** opkg's first two words; the apk era has neither. */
  readonly kind: string;
  readonly name: string;
  readonly url: string;
  /** What the path is below the version's directory; null for a foreign one. */
  readonly below: string | null;
}

interface Judged {
  readonly feeds: readonly Entry[];
  /** The local repository (`src imagebuilder file:packages`) and options such as check_signature: as they are. */
  readonly kept: readonly string[];
}

export interface ProxiedRepositories {
  /** What the build's door at the proxy is opened with. */
  readonly feeds: readonly ProxiedFeed[];
  /** The new text of the file for a build that reaches its door at `address`. */
  textAt(address: string): string;
}

/**
 * Every feed at the node's own proxy. `pins`: sha256 by the feed's id, as the order has them; a feed without one is served as
 * upstream has it.
 * @throws BuildError `bad_request` for a foreign repository that takes an upstream feed's name, `internal` for a file of a
 * shape that we do not know
 */
export function proxyRepositories(
  era: Era,
  text: string,
  wishes: RepositoryWishes & { readonly pins: ReadonlyMap<string, string> },
): ProxiedRepositories {
  const { feeds: entries, kept } = judged(era, text, wishes);
  const byId = new Map<string, ProxiedFeed>();
  let foreign = 0;
  const proxied = entries.map((entry) => {
    const isForeign = entry.below === null;
    const id = entry.below === null ? `foreign-${++foreign}` : idOf(entry.below);
    const url = directoryOf(entry.url, era);
    const taken = byId.get(id);
    if (!FEED_ID.test(id) || (taken !== undefined && taken.url !== url))
      throw unknownShape(`feeds with names of their own, got ${entry.url}`);
    byId.set(id, { id, url, isForeign, pin: isForeign ? null : (wishes.pins.get(id) ?? null) });
    return { entry, id };
  });
  const index = era === 'apk' ? `/${APK_INDEX}` : '';
  return {
    feeds: [...byId.values()],
    textAt: (address) =>
      asText([...proxied.map(({ entry, id }) => lineOf(era, entry, `${address}/${id}${index}`)), ...kept]),
  };
}

/** What make printed, as if it had asked upstream: nobody who reads it could do anything with an address of the proxy. */
export function unproxied(text: string, feeds: readonly ProxiedFeed[], address: string): string {
  const urls = new Map(feeds.map(({ id, url }) => [id, url]));
  const [before = '', ...parts] = text.split(`${address}/`);
  const told = parts.map((part) => {
    const id = /^[A-Za-z0-9_-]*/.exec(part)?.[0] ?? '';
    return `${urls.get(id) ?? `package proxy: ${id}`}${part.slice(id.length)}`;
  });
  return [before, ...told].join('').replaceAll(address, 'package proxy');
}

const APK_INDEX = 'packages.adb';

function judged(era: Era, text: string, wishes: RepositoryWishes): Judged {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const foreign = wishes.foreign.map((entry) => ({ kind: 'src/gz', below: null, ...checked(entry) }));
  if (era === 'apk') {
    const upstream = wishes.mode === 'replace' ? [] : lines.map((url) => rebased({ kind: '', name: '', url }, wishes));
    return { feeds: [...upstream, ...foreign], kept: [] };
  }
  const entries = lines.map((line) => line.split(/\s+/));
  const isRemote = (words: string[]) => /^src/.test(words[0] ?? '') && /^https?:/.test(words[2] ?? '');
  const upstream = wishes.mode === 'replace' ? [] : entries.filter(isRemote);
  const taken = new Set(upstream.map((words) => words[1]));
  for (const { name } of foreign)
    if (taken.has(name) || name === 'imagebuilder')
      throw new BuildError('bad_request', `Repository name not allowed: ${name} is the name of a feed of this version`);
  return {
    feeds: [...upstream.map(([kind = '', name = '', url = '']) => rebased({ kind, name, url }, wishes)), ...foreign],
    kept: entries.filter((words) => !isRemote(words)).map((words) => words.join(' ')),
  };
}

function rebased(entry: { kind: string; name: string; url: string }, wishes: RepositoryWishes): Entry {
  const below = VERSION_PATH.exec(entry.url)?.[1];
  const target = below?.startsWith('targets/') ? below.split('/').slice(1, 3).join('/') : wishes.target;
  if (below === undefined || target !== wishes.target)
    throw unknownShape(`feeds of ${wishes.target}, got ${entry.url}`);
  return { ...entry, below, url: `${withoutTrailingSlashes(wishes.versionUrl)}/${below}` };
}

const lineOf = (era: Era, { kind, name }: Entry, url: string): string =>
  era === 'apk' ? url : `${kind} ${name} ${url}`;

/** `targets/x86/64/packages`, `targets/x86/64/kmods/<kernel>`, `packages/x86_64/<feed>`: as an order's pins are named. */
function idOf(below: string): string {
  const [top, , feed = '', directory] = below.split('/');
  if (top === 'packages') return feed;
  return directory === 'kmods' ? 'kmods' : 'target';
}

/** An apk repository is named by its index, or, by those who have opkg in mind, by its directory. */
function directoryOf(url: string, era: Era): string {
  const directory = withoutTrailingSlashes(url);
  if (era === 'opkg' || !directory.endsWith('.adb')) return directory;
  if (!directory.endsWith(`/${APK_INDEX}`))
    throw new BuildError('bad_request', `Repository not allowed: ${url}: expected it to end with /${APK_INDEX}`);
  return directory.slice(0, -APK_INDEX.length - 1);
}

const unknownShape = (expected: string): BuildError =>
  new BuildError(
    'internal',
    `Error: Expected the ImageBuilder to name ${expected}. This is not a fault of your request`,
  );

function checked(entry: { readonly name: string; readonly url: string }): { name: string; url: string } {
  if (!REPOSITORY_NAME.test(entry.name) || !isPlainUrl(entry.url))
    throw new BuildError('bad_request', `Repository not allowed: ${entry.url}`);
  return entry;
}

const asText = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
