/**
 * What a build may ask its door for: `/<feed>/<file>`, each a name of an allow-list. A build runs strangers' code, and
 * whatever passes here is put behind a mirror's URL; nothing is decoded, so that there is no second meaning to find.
 */
import type { Era } from '../imagebuilder/era.ts';
import { FEED_ID, INDEX_FILES, type IndexFile, PACKAGE_FILE_NAME } from './proxied-feed.ts';

export type ProxyPath =
  | { readonly kind: 'index'; readonly id: string; readonly file: IndexFile }
  | { readonly kind: 'package'; readonly id: string; readonly file: string };

/** Longer than any that can be meant, and short enough to be told back. */
const MAX_LENGTH = 512;

/** `requestTarget` as the request line has it; `prefix` is what the door's address has behind the port (`''` or `/<word>`). */
export function proxyPath(requestTarget: string, prefix: string, era: Era): ProxyPath | null {
  if (requestTarget.length > MAX_LENGTH || !requestTarget.startsWith(`${prefix}/`)) return null;
  const [id = '', file = '', ...more] = requestTarget.slice(prefix.length + 1).split('/');
  if (more.length > 0 || !FEED_ID.test(id)) return null;
  const indexFile = INDEX_FILES[era].find((name) => name === file);
  if (indexFile !== undefined) return { kind: 'index', id, file: indexFile };
  return PACKAGE_FILE_NAME[era].test(file) ? { kind: 'package', id, file } : null;
}
