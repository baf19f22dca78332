/** `//` anywhere in a path means `/`, for all methods: auc sends it when its configured URL ends in a slash. */
import { getPath } from 'hono/utils/url';

export function canonicalPath(request: Request): string {
  const path = getPath(request);
  return path.includes('//') ? path.replace(/\/{2,}/g, '/') : path;
}
