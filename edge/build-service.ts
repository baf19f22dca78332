/**
 * The path of a build request through the edge, without HTTP: parse, normalise, look up, and only on a miss ask the
 * Foreman. Both dialects of the API stand on this; there is no second pipeline and no second cache.
 */
import { toBase64Url } from '../shared/base64url.ts';
import { BuildError, isRemembered } from '../shared/build-error.ts';
import { echoOf } from '../shared/build-request.ts';
import type { BuildStatus } from '../shared/build-state.ts';
import type { ArchDocument, Lookup, TargetDocument } from '../shared/catalogue-document.ts';
import { type Conditions, checkPackageVersions, checkRevision } from '../shared/conditions.ts';
import { indexedVersion, upstreamDigest } from '../shared/freshness.ts';
import { checkPackagesExist } from '../shared/package-check.ts';
import { seal } from '../shared/seal.ts';
import type { CatalogueReader } from './catalogue/read.ts';
import { type EdgeContext, foremanOf } from './edge-context.ts';
import { MAX_STATUSES } from './foreman/queue/build-status.ts';
import type { Submission } from './foreman/queue/queue.ts';
import { QUEUE_FULL } from './limits/full-queue.ts';
import { Visit } from './limits/visit.ts';
import { askInTurn } from './results/ask-in-turn.ts';
import type { BuiltResult, FailedResult, Result } from './results/kept-result.ts';
import { resultKey } from './results/result-key.ts';
import type { Outcome } from './statistics/counted.ts';
import { submitBuild } from './submit-build.ts';
import type { Asked } from './wish.ts';

export type BuildAnswer =
  | { readonly state: 'built'; readonly built: BuiltResult }
  | { readonly state: 'failed'; readonly failed: FailedResult }
  | { readonly state: 'pending'; readonly status: Extract<BuildStatus, { state: 'queued' | 'running' }> };

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

/** What this isolate knows of a build without asking anybody; null: that nobody knew it a moment ago. */
function rememberedBuild(context: EdgeContext, requestHash: string): BuildAnswer | null | undefined {
  const held = context.results.inMemory(resultKey.build(requestHash));
  if (held) return asAnswer(held);
  const status = context.pending.get(requestHash);
  if (status) return { state: 'pending', status };
  return context.results.isUnknown(requestHash) ? null : undefined;
}

/** Who polls: a visit, or a listener, who was charged when it came. */
type Poller = Visit | { readonly signal: AbortSignal };

/**
 * Answers a poll; null for a hash of which nobody knows anything. Of all who poll for one build at a time, one asks.
 * @throws BuildError `too_many_requests`; the signal's reason
 */
export async function findBuild(
  context: EdgeContext,
  requestHash: string,
  poller: Poller,
): Promise<BuildAnswer | null> {
  const remembered = rememberedBuild(context, requestHash);
  const answer =
    remembered === undefined
      ? await askInTurn(
          context.polls,
          requestHash,
          () => rememberedBuild(context, requestHash),
          () => lookForBuild(context, requestHash, poller instanceof Visit ? poller : undefined),
          poller.signal,
        )
      : remembered;
  if (answer?.state === 'built') noteServed(context, answer.built);
  return answer;
}

/** Of private images nothing is counted: they have an end of their own. */
function noteServed({ counts }: EdgeContext, { record }: BuiltResult): void {
  if (!record.private) counts.served(record.requestHash);
}

async function lookForBuild(
  context: EdgeContext,
  requestHash: string,
  visit: Visit | undefined,
): Promise<BuildAnswer | null> {
  visit?.refuseIfSpent('misses');
  const near = await context.results.fromCache(resultKey.build(requestHash));
  if (near) return asAnswer(near);
  await visit?.charge('misses');
  if (context.pending.isDone(requestHash)) {
    const built = await context.results.buildFromStore(requestHash, Date.now());
    if (built) return { state: 'built', built };
  }
  const status = await statusOf(context, requestHash);
  if (status && status.state !== 'done') return settle(context, status);
  const built = await context.results.buildFromStore(requestHash, Date.now());
  if (built) return { state: 'built', built };
  context.results.rememberUnknown(requestHash);
  return null;
}

/** Asks for others on the way whose pollers would come with the same question in a moment: a call costs more than its content. */
async function statusOf(context: EdgeContext, requestHash: string): Promise<BuildStatus | null> {
  const others = context.pending.due(MAX_STATUSES - 1).filter((hash) => hash !== requestHash);
  const [status, ...more] = await foremanOf(context.env).status([requestHash, ...others]);
  context.pending.rememberAll(more);
  return status ?? null;
}

/** A finished build whose files are wanted: no call to the Foreman, which knows nothing of finished files. */
export async function findBuilt(
  context: EdgeContext,
  requestHash: string,
  visit: Visit,
): Promise<BuiltResult | undefined> {
  const built = await lookForBuilt(context, requestHash, visit);
  if (built) noteServed(context, built);
  return built;
}

async function lookForBuilt(context: EdgeContext, requestHash: string, visit: Visit): Promise<BuiltResult | undefined> {
  const key = resultKey.build(requestHash);
  const held = context.results.inMemory(key);
  if (held?.kind === 'built') return held;
  if (context.results.isUnbuilt(requestHash)) return undefined;
  visit.refuseIfSpent('misses');
  const near = await context.results.fromCache(key);
  if (near?.kind === 'built') return near;
  await visit.charge('misses');
  const built = await context.results.fetchableFromStore(requestHash, Date.now());
  // One that is under way may be published before the moment is over.
  if (!built && !context.pending.get(requestHash)) context.results.rememberUnbuilt(requestHash);
  return built;
}

const asAnswer = (result: Result): BuildAnswer =>
  result.kind === 'built' ? { state: 'built', built: result } : { state: 'failed', failed: result };

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

/**
 * The Foreman's answer; what it calls done is read from the store, where it was written before it was called so. Null:
 * it is not there any more.
 */
async function settle(context: EdgeContext, status: BuildStatus, intent?: string): Promise<BuildAnswer | null> {
  if (status.state === 'failed') return { state: 'failed', failed: context.results.rememberFailure(status.failure) };
  if (status.state !== 'done') {
    context.pending.remember(status, intent);
    return { state: 'pending', status };
  }
  const built = await context.results.buildFromStore(status.requestHash, Date.now());
  return built ? { state: 'built', built } : null;
}

async function sealDefaults(context: EdgeContext, intent: string, defaults: string): Promise<string | null> {
  if (defaults === '') return null;
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  return toBase64Url(await seal(context.keys.sealing, intent, defaults, nonce));
}
