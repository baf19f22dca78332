/**
 * From which foreign feeds a node fetches. Its owner says so, and nobody else: what lies there is a stranger's code, from a stranger's
 * server, and the address from which it is fetched is the owner's. Asked on both sides: the edge gives a node nothing else, and the
 * node refuses it all the same.
 */
import { isPlainUrl, isRepositoryAllowed } from '../request/repository-allow-list.ts';

export const MAX_FEED_PREFIXES = 32;
const MAX_FEED_PREFIX_LENGTH = 512;

/** URL prefixes, as of the edge's own list; null where the owner has said nothing. */
export type FeedOptIn = readonly string[] | null;

/** What is wrong with the prefixes; null for nothing. */
export function whyNoPrefixes(prefixes: readonly string[]): string | null {
  if (prefixes.length > MAX_FEED_PREFIXES) return `expected at most ${MAX_FEED_PREFIXES}, got ${prefixes.length}`;
  const wrong = prefixes.find((prefix) => prefix.length > MAX_FEED_PREFIX_LENGTH || !isPlainUrl(prefix));
  if (wrong === undefined) return null;
  const shown = JSON.stringify(wrong.slice(0, 128));
  return `expected http or https URLs of at most ${MAX_FEED_PREFIX_LENGTH} characters, without user, query or dots that climb, got ${shown}`;
}

/**
 * Does it fetch from all of these? Where its owner has said nothing, a trusted node does from whatever the edge allows, and a
 * volunteer from nowhere.
 */
export function fetchesFrom(
  { tier, feeds }: { readonly tier: string; readonly feeds: FeedOptIn },
  urls: readonly string[],
): boolean {
  if (urls.length === 0) return true;
  return feeds === null ? tier === 'trusted' : urls.every((url) => isRepositoryAllowed(url, feeds));
}

/** `name url`, as a normalised request has each of its feeds. */
export const feedUrlsOf = ({ repositories }: { readonly repositories: readonly string[] }): string[] =>
  repositories.map((line) => line.slice(line.indexOf(' ') + 1));
