/**
 * `/api/upgrade-request` and `/api/build-request`: how routers and pages of 2018 and 2019 ask for an image and wait for it, by a
 * name of twelve digits. Contract: section 3 of the seed API. Every answer is a JSON object, whatever goes wrong.
 */
import { type Context, Hono } from 'hono';
import { BuildError } from '../../shared/build/build-error.ts';
import { MAX_BODY_BYTES } from '../../shared/request/build-request.ts';
import { parseSeedRequest, polledHash, type SeedRequest } from '../../shared/seed/build-request-fields.ts';
import type { Dialect } from '../../shared/seed/dialect.ts';
import { isShortRequestHash } from '../../shared/seed/hashes.ts';
import { type RequestName, requestName } from '../../shared/seed/request-name.ts';
import { type BuildAnswer, findBuild } from '../builds/find-build.ts';
import { parseJson } from '../builds/wish.ts';
import { type EdgeContext, edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { readText } from '../http/read-body.ts';
import { type Visit, visitOf } from '../limits/visit.ts';
import { parseWholeName } from '../seed/names.ts';
import { publicUrl } from '../seed/public-url.ts';
import { type Endpoint, requestAnswer, type Telling, unknownPackageAnswer } from '../seed/request-answer.ts';
import { DefaultsTooLarge, requestImage } from '../seed/request-image.ts';
import { seedErrorAnswer, seedMethodNotAllowed, seedProblem } from '../seed/seed-answer.ts';
import { countAnswer } from '../statistics/count-answer.ts';
import { outcomeOf } from '../statistics/outcome-of.ts';

type App = Context<{ Bindings: Env }>;

const ENDPOINTS: readonly Endpoint[] = [
  { path: '/api/upgrade-request', withoutSysupgrade: 501 },
  { path: '/api/build-request', withoutSysupgrade: 200 },
];

/** What is no hash is told again as far as one is long. */
const MAX_TOLD_HASH = 64;

export const upgradeRequestRoutes = new Hono<{ Bindings: Env }>();

for (const endpoint of ENDPOINTS) {
  const one = `${endpoint.path}/:hash`;
  upgradeRequestRoutes
    .post(endpoint.path, (c) => postRequest(c, endpoint))
    .get(one, (c) => answered(async () => poll(c, await edgeContext(c.env), endpoint, c.req.param('hash') ?? '')))
    .all(endpoint.path, () => seedMethodNotAllowed('POST, OPTIONS'))
    .all(one, () => seedMethodNotAllowed('GET, HEAD, OPTIONS'));
}

async function answered(answer: () => Promise<Response>): Promise<Response> {
  try {
    return await answer();
  } catch (error) {
    return seedErrorAnswer(error);
  }
}

const postRequest = (c: App, endpoint: Endpoint): Promise<Response> =>
  answered(async () => {
    const context = await edgeContext(c.env);
    let hash: string | null = null;
    let asked: SeedRequest | undefined;
    let name: RequestName | undefined;
    try {
      const json = parseJson(await readText(c.req.raw, MAX_BODY_BYTES));
      hash = polledHash(json);
      if (hash !== null) return await poll(c, context, endpoint, hash);
      asked = parseSeedRequest(json);
      name = requestName(asked, context.keys.defaultsMac);
      return await build(c, context, endpoint, asked, name);
    } catch (error) {
      // A poll is counted no more than a GET is.
      if (hash === null && !asked?.request.defaults) context.counts.refused(outcomeOf(error));
      if (error instanceof DefaultsTooLarge) return seedProblem(420, error.detail, { error_kind: error.kind });
      if (!(error instanceof BuildError && error.kind === 'unknown_package')) throw error;
      return unknownPackageAnswer(error.detail, { error_kind: error.kind, request_hash: name?.name });
    }
  });

async function build(
  c: App,
  context: EdgeContext,
  endpoint: Endpoint,
  asked: SeedRequest,
  name: RequestName,
): Promise<Response> {
  const visit = visitOf(context, c.req.raw);
  const answer = await requestImage(context, asked, name, visit);
  const built = {
    dialect: asked.dialect,
    requestHash: hashOf(answer),
    isPending: answer.state === 'pending',
    isPrivate: asked.request.defaults !== '',
  };
  const requestHash = await context.names.give(name, built, visit);
  if (!asked.request.defaults) countAnswer(context.counts, visit.outcome, answer, null, c.req.raw);
  const { dialect } = asked;
  return tell(c, context, answer, { endpoint, dialect, requestHash });
}

function tell(c: App, context: EdgeContext, answer: BuildAnswer, how: Omit<Telling, 'publicUrl'>): Response {
  // Its files are asked for next, perhaps before the store lists what was just published.
  if (answer.state === 'built') context.prefixes.tells(answer.built.record.requestHash);
  return requestAnswer(answer, { ...how, publicUrl: publicUrl(context, c.req.raw) });
}

const hashOf = (answer: BuildAnswer): string => {
  if (answer.state === 'pending') return answer.status.requestHash;
  return answer.state === 'built' ? answer.built.record.requestHash : answer.failed.failure.requestHash;
};

async function poll(c: App, context: EdgeContext, endpoint: Endpoint, hash: string): Promise<Response> {
  const visit = visitOf(context, c.req.raw);
  const found = isShortRequestHash(hash)
    ? await findNamed(context, hash, visit)
    : await findWhole(context, hash, visit);
  if (!found)
    return seedProblem(404, 'could not find provided request hash', { request_hash: hash.slice(0, MAX_TOLD_HASH) });
  const { answer, dialect } = found;
  return tell(c, context, answer, { endpoint, dialect, requestHash: hash });
}

interface Found {
  readonly answer: BuildAnswer;
  /** Of the POST that made the name. */
  readonly dialect: Dialect;
}

async function findNamed(context: EdgeContext, name: string, visit: Visit): Promise<Found | null> {
  const known = await context.names.find(name, visit);
  if (!known) return null;
  const answer = await findBuild(context, known.requestHash, visit);
  if (answer?.state === 'pending') return { answer, dialect: known.dialect };
  const { requestHash, dialect } = await context.names.newest(name, known, visit);
  const newest = requestHash === known.requestHash ? answer : await findBuild(context, requestHash, visit);
  return newest && { answer: newest, dialect };
}

/** The name of a build itself, given where no short one could be; also that of the API of today. */
async function findWhole(context: EdgeContext, name: string, visit: Visit): Promise<Found | null> {
  const whole = parseWholeName(name);
  const answer = whole && (await findBuild(context, whole.requestHash, visit));
  return answer && { answer, dialect: whole.dialect };
}
