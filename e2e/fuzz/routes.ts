/**
 * Every route of the edge, in one table: section 2 of the v1 contract, and what nodes call. `{…}` is filled in with values
 * that exist and with values that must not matter. A test compares the table with what the server says of itself.
 */
export interface Route {
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  /** How often it is chosen; those whose answer costs the store or the Foreman something, less. */
  readonly weight: number;
}

const get = (path: string, weight = 4): Route => ({ path, method: 'GET', weight });

export const ROUTES: readonly Route[] = [
  { path: '/api/v1/build', method: 'POST', weight: 120 },
  get('/api/v1/build/{hash}', 12),
  get('/api/v1/build/{hash}/events', 3),
  get('/api/v1/build/{hash}/provenance', 2),
  get('/api/v1/revision/{version}/{target}', 10),
  { path: '/api/upgrade-check', method: 'POST', weight: 40 },
  { path: '/api/upgrade-request', method: 'POST', weight: 40 },
  get('/api/upgrade-request/{hash}', 6),
  { path: '/api/build-request', method: 'POST', weight: 20 },
  get('/api/build-request/{hash}', 6),
  get('/api/image/{short}', 6),
  get('/api/manifest/{short}', 6),
  get('/api/distros', 2),
  get('/api/distributions', 2),
  get('/api/versions', 3),
  get('/api/models', 6),
  get('/api/packages_image', 6),
  get('/json/v1/overview.json'),
  get('/api/v1/overview', 2),
  get('/api/overview', 2),
  get('/overview', 2),
  get('/json/v1/branches.json'),
  get('/json/v1/latest.json'),
  get('/api/v1/latest', 2),
  get('/json/v1/releases/{version}/targets/{target}/index.json', 8),
  get('/json/v1/releases/{version}/packages/{arch}-index.json', 8),
  get('/json/v1/releases/{version}/targets/{target}/{profile}.json', 8),
  get('/json/v1/snapshots/targets/{target}/index.json', 4),
  get('/json/v1/snapshots/packages/{arch}-index.json', 4),
  get('/json/v1/snapshots/targets/{target}/{profile}.json', 4),
  get('/json/v1/releases/{version}/devices.json', 4),
  get('/json/v1/snapshots/devices.json', 2),
  get('/store/{hash}/{file}', 12),
  get('/json/{path}/', 3),
  get('/json/{path}/{file}', 6),
  get('/download/{path}/', 2),
  get('/download/{path}/{file}', 3),
  get('/keys/usign.pub', 2),
  get('/keys/edge.pub', 2),
  get('/log/head', 2),
  get('/log/{piece}', 3),
  get('/api/v1/stats', 2),
  get('/api/v1/stats/summary', 2),
  get('/api/v1/stats/popular_packages', 2),
  get('/api/v1/stats/popular_targets', 2),
  get('/api/v1/stats/images', 2),
  get('/api/v1/stats/image_stats', 2),
  get('/api/v1/stats/images_latest', 2),
  get('/api/v1/stats/fails_latest', 2),
  get('/api/v1/stats/packages', 2),
  get('/api/v1/builds-per-day', 2),
  get('/api/v1/builds-by-version', 3),
  get('/api/v1/top-packages', 3),
  get('/api/v1/build-errors', 3),
  get('/api/v1/nodes', 2),
  get('/api/v1/reproducibility', 2),
  get('/api/v1/admin/nodes', 2),
  { path: '/api/v1/admin/tokens', method: 'POST', weight: 2 },
  { path: '/api/v1/admin/nodes/{hash}/{action}', method: 'POST', weight: 2 },
  { path: '/api/v1/admin/nodes/callable', method: 'POST', weight: 2 },
  { path: '/api/v1/admin/nodes/{hash}/remove-address', method: 'POST', weight: 2 },
  { path: '/api/v1/admin/builds/{hash}/cancel', method: 'POST', weight: 2 },
  get('/docs', 2),
  get('/docs/{file}', 2),
  get('/openapi.json', 2),
  get('/metrics', 2),
  get('/healthz', 2),
  get('/livez', 2),
  get('/', 2),
  get('/check', 2),
  get('/status', 2),
  get('/lend', 2),
  get('/build/{hash}', 3),
  get('/page/{file}', 3),
  { path: '/asu.farm.v1.ForemanService/Join', method: 'POST', weight: 3 },
  { path: '/asu.farm.v1.ForemanService/Lease', method: 'POST', weight: 3 },
  { path: '/asu.farm.v1.ForemanService/Report', method: 'POST', weight: 3 },
  { path: '/asu.farm.v1.ForemanService/RequestUpload', method: 'POST', weight: 1 },
  { path: '/asu.farm.v1.ForemanService/CompleteUpload', method: 'POST', weight: 1 },
  { path: '/asu.farm.v1.ForemanService/RequestUploads', method: 'POST', weight: 1 },
  { path: '/asu.farm.v1.ForemanService/CompleteUploads', method: 'POST', weight: 1 },
  { path: '/asu.farm.v1.ForemanService/Renew', method: 'POST', weight: 1 },
  { path: '/farm/v1/objects/{lease}/{file}', method: 'PUT', weight: 4 },
  { path: '/farm/v1/logs/{lease}/{piece}', method: 'PUT', weight: 4 },
];

/** A path of the OpenAPI document as the table has it: where the document names the parts of a target one by one. */
export const asInTable = (path: string): string =>
  path
    .replace('{target}/{subtarget}', '{target}')
    .replace(/\{(?:request_hash|request_name|bin_dir|node_id)\}/, '{hash}')
    .replace('{files_path}', '{path}')
    .replace('{number}', '{piece}')
    .replace(/\{(?:image|manifest)_hash\}/, '{short}');
