/**
 * What has become of a build, by its hash: for a poll, and for a download. Memory, KV, the Foreman and the store are asked in the order
 * of what they cost; without that order a thousand routers that poll would be a thousand calls.
 */
import type { BuildStatus } from '../../shared/build/build-state.ts';
import { type EdgeContext, foremanOf } from '../edge-context.ts';
import { MAX_STATUSES } from '../foreman/queue/build-status.ts';
import { Visit } from '../limits/visit.ts';
import { askInTurn } from '../results/ask-in-turn.ts';
import type { BuiltResult, FailedResult, Result } from '../results/kept-result.ts';
import { resultKey } from '../results/result-key.ts';

export type BuildAnswer =
  | { readonly state: 'built'; readonly built: BuiltResult }
  | { readonly state: 'failed'; readonly failed: FailedResult }
  | { readonly state: 'pending'; readonly status: Extract<BuildStatus, { state: 'queued' | 'running' }> };

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

/**
 * The Foreman's answer; what it calls done is read from the store, where it was written before it was called so. Null:
 * it is not there any more.
 */
export async function settle(context: EdgeContext, status: BuildStatus, intent?: string): Promise<BuildAnswer | null> {
  if (status.state === 'failed') return { state: 'failed', failed: context.results.rememberFailure(status.failure) };
  if (status.state !== 'done') {
    context.pending.remember(status, intent);
    return { state: 'pending', status };
  }
  const built = await context.results.buildFromStore(status.requestHash, Date.now());
  return built ? { state: 'built', built } : null;
}
