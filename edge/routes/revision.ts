/** `GET /api/v1/revision/<version>/<target>/<subtarget>`: upstream's current revision, which LuCI asks on a snapshot. */
import { Hono } from 'hono';
import type { AnswerOf } from '../../shared/api/answer-of.ts';
import type { revisionSchema } from '../../shared/api/catalogue-answers.ts';
import { BuildError } from '../../shared/build/build-error.ts';
import { WORD } from '../../shared/request/grammar.ts';
import { findBranch } from '../../shared/upstream/branch.ts';
import { edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { jsonAnswer, methodNotAllowed, notFound } from '../http/answer.ts';
import { knownOrNull } from '../http/metadata-answer.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';

export const revisionRoutes = new Hono<{ Bindings: Env }>()
  .get('/api/v1/revision/:version/:target/:subtarget', async (c) => {
    const { version, target, subtarget } = c.req.param();
    const { catalogue, config } = await edgeContext(c.env);
    if (!WORD.test(version) || !findBranch(config.BRANCHES, version)) throw unsupported(version);
    const document = knownOrNull(await catalogue.target(version, `${target}/${subtarget}`));
    if (document) {
      const answer: AnswerOf<typeof revisionSchema> = { revision: document.versionCode };
      return jsonAnswer(200, answer, { 'cache-control': CACHE_CONTROL.metadata });
    }
    const versions = knownOrNull(await catalogue.versions());
    if (!versions?.versions.some((entry) => entry.version === version)) throw unsupported(version);
    // Upstream's status and the peer's words.
    const asked = [version, target, subtarget].map((word) => word.slice(0, 64)).join('/');
    return notFound(`Failed to fetch revision for ${asked}`);
  })
  .all('/api/v1/revision/*', (c) =>
    ['GET', 'HEAD'].includes(c.req.method)
      ? notFound('expected /api/v1/revision/<version>/<target>/<subtarget>')
      : methodNotAllowed('GET, HEAD, OPTIONS'),
  );

const unsupported = (version: string): BuildError =>
  new BuildError('unsupported', `Unsupported version: ${version.slice(0, 64)}`);
