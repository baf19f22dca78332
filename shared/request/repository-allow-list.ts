/**
 * Foreign package feeds are code that ends up in firmware, so an operator lists what may be used. Compared after parsing,
 * part by part: with `startsWith`, `https://good.example.evil.com` passes for `https://good.example`.
 */

/** True where `url` has the scheme, host and port of an allowed prefix and lies below its path. */
export function isRepositoryAllowed(url: string, allowList: readonly string[]): boolean {
  const asked = parse(url);
  return (
    asked !== null &&
    allowList.some((prefix) => {
      const allowed = parse(prefix);
      if (!allowed || allowed.origin !== asked.origin) return false;
      const below = allowed.pathname.endsWith('/') ? allowed.pathname : `${allowed.pathname}/`;
      return asked.pathname.startsWith(below) || asked.pathname === allowed.pathname;
    })
  );
}

/**
 * Scheme, host, port and path of bytes that mean the same to every parser, and nothing to a shell, make, opkg or apk.
 */
const PLAIN_URL = /^https?:\/\/[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~+,=:%-]*)*$/;

/** What both sides hold a URL of a foreign feed to: the edge before the allow-list, the node before it is written down. */
export const isPlainUrl = (text: string): boolean => parse(text) !== null;

/** Null also for dots that climb, and for encoded ones, which some servers decode (twice, with `%25`). */
function parse(text: string): URL | null {
  if (!PLAIN_URL.test(text) || /%(?:25|2e|2f|5c)/i.test(text) || /\/\.{1,2}(?:\/|$)/.test(text)) return null;
  return URL.parse(text);
}
