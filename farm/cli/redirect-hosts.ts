/** The hosts of `--mirror-redirects-to`. They are compared with a URL's as a whole, so each must be written as URLs have it. */
import { UsageError } from './flags.ts';

const MAX_HOSTS = 32;
const MAX_LENGTH = 260;
/** No `*`: it would stand for itself, and be read as more. */
const LETTERS = /^[a-z0-9.:[\]-]+$/;

/** Parted by blanks. @throws UsageError naming the flag and what was expected */
export function redirectHosts(flag: string, value: string): readonly string[] {
  const hosts = value.split(' ').filter((host) => host !== '');
  if (hosts.length > MAX_HOSTS)
    throw new UsageError(`${flag}: expected at most ${MAX_HOSTS} hosts, got ${hosts.length}`);
  for (const host of hosts)
    if (!isAsInUrls(host))
      throw new UsageError(
        `${flag}: expected HOST or HOST:PORT as a URL has it, such as files.lan or 192.168.1.9:8080 (small letters, no * and neither :80 nor :443), got ${JSON.stringify(host.slice(0, MAX_LENGTH))}`,
      );
  return hosts;
}

/** In a URL the usual port is left out: a host that is written with it would never be found. */
const isAsInUrls = (host: string): boolean =>
  host.length <= MAX_LENGTH &&
  LETTERS.test(host) &&
  ['http', 'https'].every((scheme) => URL.parse(`${scheme}://${host}/`)?.host === host);
