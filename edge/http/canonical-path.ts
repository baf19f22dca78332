/**
 * `//` anywhere in a path means `/`, for all methods: auc sends it when its configured URL ends in a slash. And `/json` behind
 * `/json` or `/download` means nothing: chef puts those before the `files` of an image, which begins with `/json` itself.
 */
import { getPath } from 'hono/utils/url';

export function canonicalPath(request: Request): string {
  const path = getPath(request);
  const once = path.includes('//') ? path.replace(/\/{2,}/g, '/') : path;
  return once.startsWith('/json/json/') || once.startsWith('/download/json/') ? once.replace('/json/', '/') : once;
}
