/** `GET /json/v1/overview.json` and its older names, answered at once: a redirect without CORS hangs LuCI. */
import { Hono } from 'hono';
import { BuildError } from '../../shared/build-error.ts';
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import { type OverviewSettings, overviewDocument } from '../../shared/overview.ts';
import { SERVER_VERSION } from '../../shared/server-version.ts';
import { jsonAnswer, methodNotAllowed } from '../answer.ts';
import { edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';

const PATHS = ['/json/v1/overview.json', '/api/v1/overview', '/overview'];

export const overviewRoutes = new Hono<{ Bindings: Env }>();

const overviewSettings = (config: EdgeSettings): OverviewSettings => {
  return {
    serverVersion: SERVER_VERSION,
    upstreamUrl: config.UPSTREAM_URL,
    contact: config.CONTACT,
    branches: config.BRANCHES,
    allowDefaults: config.ALLOW_DEFAULTS,
    repositoryAllowList: config.REPOSITORY_ALLOW_LIST,
    maxRootfsSizeMb: config.MAX_CUSTOM_ROOTFS_SIZE_MB,
    maxDefaultsBytes: config.MAX_DEFAULTS_LENGTH,
  };
};

for (const path of PATHS) {
  overviewRoutes.get(path, async (c) => {
    const { catalogue, config } = await edgeContext(c.env);
    const versions = await catalogue.versions();
    if (versions.state !== 'found')
      throw new BuildError('upstream_unavailable', undefined, {
        cause: versions.state === 'unavailable' ? versions.reason : 'no versions',
      });
    return jsonAnswer(200, overviewDocument(versions.document, overviewSettings(config)), {
      'cache-control': CACHE_CONTROL.metadata,
    });
  });
  overviewRoutes.all(path, () => methodNotAllowed('GET, HEAD, OPTIONS'));
}
