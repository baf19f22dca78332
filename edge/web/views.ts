/** Which view an address shows. The Worker asks it too: of any other address the page is not served. */
export type ViewName = 'build' | 'check' | 'status' | 'lend';

const BY_PATH: Readonly<Record<string, ViewName>> = {
  '/': 'build',
  '/check': 'check',
  '/status': 'status',
  '/lend': 'lend',
};

/** `/build/<request_hash>` is a build that can be shown to others. */
const OF_BUILD = /^\/build\/[0-9a-f]{64}$/;

export const viewOf = (path: string): ViewName | null =>
  Object.hasOwn(BY_PATH, path) ? (BY_PATH[path] as ViewName) : OF_BUILD.test(path) ? 'build' : null;

export const PAGE_PATHS = [...Object.keys(BY_PATH), '/build/:hash'] as const;
