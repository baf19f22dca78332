/**
 * The path of a build request through the edge, without HTTP: parse, normalise, look up, and only on a miss ask the
 * Foreman. Both dialects of the API stand on this; there is no second pipeline and no second cache. What has become of a build is found
 * by find-build.ts.
 */
import { BuildError, isRemembered } from '../../shared/build/build-error.ts';
import { indexedVersion, upstreamDigest } from '../../shared/build/freshness.ts';
import { toBase64Url } from '../../shared/crypto/base64url.ts';
import { seal } from '../../shared/crypto/seal.ts';
import { echoOf } from '../../shared/request/build-request.ts';
import { type Conditions, checkPackageVersions, checkRevision } from '../../shared/request/conditions.ts';
import { checkPackagesExist } from '../../shared/request/package-check.ts';
import type { ArchDocument, Lookup, TargetDocument } from '../../shared/upstream/catalogue-document.ts';
import type { CatalogueReader } from '../catalogue/read.ts';
import type { EdgeContext } from '../edge-context.ts';
import type { Submission } from '../foreman/queue/queue.ts';
import { QUEUE_FULL } from '../limits/full-queue.ts';
import type { Visit } from '../limits/visit.ts';
import type { BuiltResult, FailedResult, Result } from '../results/kept-result.ts';
import { resultKey } from '../results/result-key.ts';
import type { Outcome } from '../statistics/counted.ts';
import { type BuildAnswer, settle } from './find-build.ts';
import { submitBuild } from './submit-build.ts';
import type { Asked } from './wish.ts';

/** Which upstream a request is about. */
interface Named {
  readonly version: string;
  readonly target: string;
}

/** What upstream is now, for one request. */
interface Upstream {
  readonly target: TargetDocument;
  readonly arch: ArchDocument;
}

/**
 * Answers a POST.
 * @throws BuildError for everything that can be said without a build
 */
export async function requestBuild(context: EdgeContext, asked: Asked, visit: Visit): Promise<BuildAnswer> {
  const { wish } = asked;
  const upstream = await readUpstream(context.catalogue, wish);
  checkRevision(wish.conditions, upstream.target.versionCode);
  const intent = context.wishes.intent(asked, upstream.target);
  const known = await lookUp(context, intent, wish.isPrivate, upstream, visit);
  if (known.usable?.kind === 'built') return builtFor(wish.conditions, known.usable);
  if (known.usable?.kind === 'failed') return { state: 'failed', failed: known.usable };
  const request = asked.request();
  const normalized = context.wishes.normalize(request, upstream.target);
  checkPackageVersions(wish.conditions, (name) => indexedVersion(name, upstream.target, upstream.arch), 'says nothing');
  checkPackagesExist(normalized, upstream.target, upstream.arch);
  const submission: Submission = {
    intentHash: intent,
    seenGeneration: known.seenGeneration,
    request: normalized,
    echo: echoOf(request),
    conditions: wish.conditions,
    sealedDefaults: await sealDefaults(context, intent, request.defaults),
    upstreamDigest: upstreamDigest(upstream.target, upstream.arch),
    clientKey: visit.client ?? '',
    imageBuilder: upstream.target.imageBuilder.sha256,
  };
  const status = await submitBuild(context, submission, visit);
  const settled = await settle(context, status, intent);
  if (settled || status.state !== 'done') return settled ? forConditions(wish.conditions, settled) : gone();
  // Built once and gone since: a private image that expired, or one whose files are lost. The next generation.
  const next = await submitBuild(context, { ...submission, seenGeneration: status.generation }, visit);
  const again = await settle(context, next, intent);
  return again ? forConditions(wish.conditions, again) : gone();
}

/** What was published while this client asked must be what it asked for all the same. */
const forConditions = (conditions: Conditions, answer: BuildAnswer): BuildAnswer =>
  answer.state === 'built' ? builtFor(conditions, answer.built) : answer;

function gone(): never {
  throw new BuildError('internal', 'Error: The image was built and is no longer there; please ask again');
}

/** @throws BuildError `unsupported` with the peer's words, or `upstream_unavailable` */
async function readUpstream(catalogue: CatalogueReader, request: Named): Promise<Upstream> {
  const target = await catalogue.target(request.version, request.target);
  if (target.state === 'unknown') throw await explainUnknown(catalogue, request);
  const targetDocument = foundOr503(target);
  const arch = foundOr503(await catalogue.arch(request.version, targetDocument.archPackages));
  return { target: targetDocument, arch };
}

function foundOr503<Document>(lookup: Lookup<Document>): Document {
  if (lookup.state === 'found') return lookup.document;
  throw new BuildError('upstream_unavailable', undefined, {
    cause: lookup.state === 'unavailable' ? lookup.reason : 'unknown to upstream',
  });
}

async function explainUnknown(catalogue: CatalogueReader, request: Named): Promise<BuildError> {
  const versions = await catalogue.versions();
  if (versions.state === 'found' && !versions.document.versions.some((entry) => entry.version === request.version))
    return new BuildError('unsupported', `Unsupported version: ${request.version}`);
  return new BuildError(
    'unsupported',
    `Unsupported target: ${request.target}. The requested target was either dropped, is still being built or is not supported by the selected version. Please check the forums or try again later.`,
  );
}

/**
 * The nearest usable result, and the newest generation met on the way.
 * @throws BuildError `too_many_requests` or `queue_full`, before anything is asked that costs more than a hit
 */
async function lookUp(
  context: EdgeContext,
  intent: string,
  isPrivate: boolean,
  upstream: Upstream,
  visit: Visit,
): Promise<{ readonly usable?: Result; readonly seenGeneration: number }> {
  const now = Date.now();
  let seenGeneration = 0;
  const isUsable = (result: Result): boolean => {
    if (result.kind === 'failed') return stillFails(result, upstream, now - context.config.FAILURE_SECONDS * 1000);
    seenGeneration = Math.max(seenGeneration, result.record.generation);
    return result.isFresh(upstream.target, upstream.arch);
  };
  const use = (result: Result, outcome: Outcome) => {
    visit.outcome = result.kind === 'failed' ? 'known_failure' : outcome;
    return { usable: result, seenGeneration };
  };
  const key = resultKey.intent(intent);
  const held = isPrivate ? undefined : context.results.inMemory(key);
  if (held && isUsable(held)) return use(held, 'hit_memory');
  visit.refuseIfSpent('misses', ...(context.pending.isLive(intent) ? [] : (['builds'] as const)));
  const near = isPrivate ? undefined : await context.results.fromCache(key);
  if (near && isUsable(near)) return use(near, 'hit_kv');
  // A private image is known to the store alone.
  if (context.fullQueue.isNow && !isPrivate && !context.pending.isLive(intent)) throw QUEUE_FULL;
  await visit.charge('misses');
  const latest = await context.results.latestFromStore(intent, now, (built) =>
    built.isFresh(upstream.target, upstream.arch),
  );
  return latest && isUsable(latest) ? use(latest, 'hit_store') : { seenGeneration };
}

const stillFails = ({ failure }: FailedResult, upstream: Upstream, since: number): boolean =>
  isRemembered(failure.kind) &&
  failure.failedAt > since &&
  failure.upstreamDigest === upstreamDigest(upstream.target, upstream.arch);

/** @throws BuildError `version_mismatch` where this client asked for other versions than the image has */
function builtFor(conditions: Conditions, built: BuiltResult): BuildAnswer {
  if (Object.keys(conditions.packages_versions).length === 0) return { state: 'built', built };
  const { manifest } = built;
  checkPackageVersions(
    conditions,
    (name) => (Object.hasOwn(manifest, name) ? manifest[name] : undefined),
    'is an error',
  );
  return { state: 'built', built };
}

async function sealDefaults(context: EdgeContext, intent: string, defaults: string): Promise<string | null> {
  if (defaults === '') return null;
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  return toBase64Url(await seal(context.keys.sealing, intent, defaults, nonce));
}
