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

/** Null for anything that two parsers might read differently: user info, backslashes, dots that climb, encoded ones. */
function parse(text: string): URL | null {
  if (/[\\@\s]/.test(text) || /%(?:2e|2f|5c)/i.test(text) || /(?:^|\/)\.{1,2}(?:\/|$)/.test(text)) return null;
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '' ? url : null;
}
