/** `GET /api/v1/revision/<version>/<target>/<subtarget>`: upstream's current revision, asked by owut before anything else. */
import { Hono } from 'hono';
import { findBranch } from '../../shared/branch.ts';
import { BuildError } from '../../shared/build-error.ts';
import { WORD } from '../../shared/grammar.ts';
import { jsonAnswer, methodNotAllowed, problem, titleOf } from '../answer.ts';
import { edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';

export const revisionRoutes = new Hono<{ Bindings: Env }>()
  .get('/api/v1/revision/:version/:target/:subtarget', async (c) => {
    const { version, target, subtarget } = c.req.param();
    const { catalogue, config } = await edgeContext(c.env);
    if (!WORD.test(version) || !findBranch(config.BRANCHES, version))
      throw new BuildError('unsupported', `Unsupported version: ${version.slice(0, 64)}`);
    const versions = await catalogue.versions();
    if (versions.state === 'found' && !versions.document.versions.some((entry) => entry.version === version))
      throw new BuildError('unsupported', `Unsupported version: ${version.slice(0, 64)}`);
    const lookup = await catalogue.target(version, `${target}/${subtarget}`);
    if (lookup.state === 'unknown') return problem(404, titleOf(404), 'no such target in this version');
    if (lookup.state === 'unavailable')
      throw new BuildError('upstream_unavailable', undefined, { cause: lookup.reason });
    return jsonAnswer(200, { revision: lookup.document.versionCode }, { 'cache-control': CACHE_CONTROL.metadata });
  })
  .all('/api/v1/revision/*', () => methodNotAllowed('GET, HEAD, OPTIONS'));
