/**
 * Whose word publishes. A pure decision over the votes about one build. Today there are trusted nodes only, and one of
 * them suffices; a vote of any other tier decides nothing and the build waits for a trusted one.
 */
import { type BuildErrorKind, isDeterministic } from './build-error.ts';

export interface Vote {
  readonly leaseId: string;
  readonly operator: string;
  readonly tier: string;
  readonly verdict:
    | { readonly outcome: 'image'; readonly digest: string }
    | { readonly outcome: 'failure'; readonly kind: BuildErrorKind };
}

export type Decision =
  | { readonly decision: 'pending' }
  /** `leaseId`: whose files are published, or whose failure is told. */
  | { readonly decision: 'image' | 'failure'; readonly leaseId: string };

/** Votes in the order in which they came; a fault of ours is never a vote about the request. */
export function decide(votes: readonly Vote[]): Decision {
  for (const vote of votes) {
    if (vote.tier !== 'trusted') continue;
    if (vote.verdict.outcome === 'image') return { decision: 'image', leaseId: vote.leaseId };
    if (isDeterministic(vote.verdict.kind)) return { decision: 'failure', leaseId: vote.leaseId };
  }
  return { decision: 'pending' };
}
