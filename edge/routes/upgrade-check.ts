/**
 * `POST /api/upgrade-check`: a router of 2018 or 2019 asks whether there is something newer, and sends all the packages that it
 * has. Contract: section 2 of the seed API. Each body is another, so nothing of an answer is kept but what it is compared with.
 */
import { Hono } from 'hono';
import { BUILD_ERRORS } from '../../shared/build/build-error.ts';
import { MAX_BODY_BYTES } from '../../shared/request/build-request.ts';
import { scanUpgradeCheck } from '../../shared/seed/scan-upgrade-check.ts';
import { toldNames } from '../../shared/seed/told-names.ts';
import { parseUpgradeCheck } from '../../shared/seed/upgrade-check-fields.ts';
import { upgradeJson } from '../../shared/seed/upgrade-json.ts';
import type { UpgradeOutcome } from '../../shared/seed/upgrade-outcome.ts';
import { parseJson } from '../builds/wish.ts';
import { edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { CORS, JSON_HEADERS } from '../http/answer.ts';
import { readBody, textOf } from '../http/read-body.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';
import { checkUpgrade } from '../seed/check-upgrade.ts';
import { seedErrorAnswer, seedMethodNotAllowed, seedProblem } from '../seed/seed-answer.ts';

const PATH = '/api/upgrade-check';

export const upgradeCheckRoutes = new Hono<{ Bindings: Env }>()
  .post(PATH, async (c) => {
    try {
      const body = await readBody(c.req.raw, MAX_BODY_BYTES);
      const check = scanUpgradeCheck(body) ?? parseUpgradeCheck(parseJson(textOf(body)));
      return answerOf(await checkUpgrade(await edgeContext(c.env), check));
    } catch (error) {
      return seedErrorAnswer(error);
    }
  })
  .all(PATH, () => seedMethodNotAllowed('POST, OPTIONS'));

/** Made once: the answer to nearly every check. */
const UPGRADE = { headers: new Headers({ ...JSON_HEADERS, 'cache-control': CACHE_CONTROL.never }) };

function answerOf(outcome: UpgradeOutcome): Response {
  if (outcome.state === 'upgrade') return new Response(upgradeJson(outcome.answer), UPGRADE);
  if (outcome.state === 'nothing to do')
    return new Response(null, { status: 204, headers: { ...CORS, 'cache-control': CACHE_CONTROL.never } });
  const { header, sentence } = toldNames(outcome.names);
  // auc takes the header for granted.
  return seedProblem(
    BUILD_ERRORS.unknown_package.seedStatus,
    `could not find packages: ${sentence}`,
    { error_kind: 'unknown_package' },
    { 'x-unknown-package': header },
  );
}
