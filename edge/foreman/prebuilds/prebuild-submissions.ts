/**
 * What would be built ahead of a version: each wish carried over to it the way clients carry theirs, and made the submission that such a
 * client's request would become.
 */
import { BuildError } from '../../../shared/build/build-error.ts';
import type { BuildRecord } from '../../../shared/build/build-record.ts';
import { isFresh, upstreamDigest } from '../../../shared/build/freshness.ts';
import { carriedRequests } from '../../../shared/prebuild/carried-requests.ts';
import { type BuildRequest, echoOf } from '../../../shared/request/build-request.ts';
import { intentHash } from '../../../shared/request/intent.ts';
import { checkPolicy, normalizeRequest, type RequestPolicy } from '../../../shared/request/normalize-request.ts';
import { isAvailable } from '../../../shared/request/package-check.ts';
import { findBranch } from '../../../shared/upstream/branch.ts';
import type { ArchDocument, TargetDocument } from '../../../shared/upstream/catalogue-document.ts';
import { logWarning } from '../../log.ts';
import type { ForemanState } from '../foreman-state.ts';
import { latestRecord } from '../publishing/latest-record.ts';
import type { Submission } from '../queue/queue.ts';
import type { WantedWish } from './prebuilds.ts';

export interface Prebuild {
  readonly submission: Submission;
  readonly place: number;
}

/**
 * Each image once, though several wishes lead to it; none that is there and as good as new. `unread`: of which the store does not tell.
 */
export async function* prebuildsFor(
  state: ForemanState,
  { version, wishes }: { readonly version: string; readonly wishes: readonly WantedWish[] },
  target: TargetDocument,
  arch: ArchDocument,
): AsyncGenerator<Prebuild | 'unread'> {
  const branch = findBranch(state.config.BRANCHES, version);
  if (!branch) return;
  const intents = new Set<string>();
  for (const { image, place } of wishes)
    for (const request of carriedRequests(image, findBranch(state.config.BRANCHES, image.version), version, branch)) {
      const submission = submissionOf(state, request, target, arch);
      if (!submission || intents.has(submission.intentHash)) continue;
      intents.add(submission.intentHash);
      const latest = await recordOrUnread(state, submission.intentHash);
      if (latest === 'unread') {
        yield latest;
        continue;
      }
      if (latest && isFresh(latest, target, arch)) continue;
      yield { submission: { ...submission, seenGeneration: latest?.generation ?? 0 }, place };
    }
}

/** One record that cannot be read keeps nothing else from being built. */
async function recordOrUnread({ store }: ForemanState, intent: string): Promise<BuildRecord | null | 'unread'> {
  try {
    return await latestRecord(store, intent);
  } catch (error) {
    logWarning('what is to be built ahead cannot be told of a wish, and is looked at again', { error });
    return 'unread';
  }
}

/** Null for what cannot be built in that version, or is not allowed here: whoever asks for it will be told. */
function submissionOf(
  state: ForemanState,
  asked: BuildRequest,
  target: TargetDocument,
  arch: ArchDocument,
): Submission | null {
  const branch = findBranch(state.config.BRANCHES, asked.version);
  if (!branch) return null;
  try {
    const policy = policyOf(state);
    checkPolicy(asked, policy);
    const request = normalizeRequest(asked, branch, target, policy);
    // Also where an index does not tell what its packages provide: a guess that is likely to fail is not worth a node's time.
    if (!request.addPackages.every((name) => isAvailable(name, target, arch))) return null;
    return {
      intentHash: intentHash(state.config.IDENTITY_SALT, request),
      seenGeneration: 0,
      request,
      echo: echoOf(asked),
      conditions: { version_code: '', packages_versions: {} },
      sealedDefaults: null,
      upstreamDigest: upstreamDigest(target, arch),
      clientKey: '',
      imageBuilder: target.imageBuilder.sha256,
    };
  } catch (error) {
    if (error instanceof BuildError) return null;
    throw error;
  }
}

/** Of requests without `defaults`: there is nothing for a key. */
const policyOf = ({ config }: ForemanState): RequestPolicy => ({
  distros: config.DISTROS,
  allowDefaults: false,
  maxDefaultsBytes: 0,
  maxRootfsSizeMb: config.MAX_CUSTOM_ROOTFS_SIZE_MB,
  repositoryAllowList: [],
  defaultsKey: new Uint8Array(),
});
