/**
 * Checks: something that is published is built a second time, and the answer is held against the one that is known. A farm that only
 * compares what it needs anyway would find a liar when it lies about the same build as somebody honest; one that lies now and then
 * has to be asked what is known already. When that is due and what follows from an answer is decided here, purely.
 */
import type { TrustPolicy } from './policy.ts';
import type { Vote } from './quorum.ts';

/**
 * `canary`: a volunteer builds what a trusted node has. `dispute`: it made something else, and a trusted node builds it once more.
 * `rebuild`: a trusted node builds what volunteers have published.
 */
export type CheckKind = 'canary' | 'rebuild' | 'dispute';

/**
 * `right`: it is the same. `disputed`: it is not, which a trusted node is to look at. `lie`: whoever made another image was wrong.
 * `differs`: the target is another one each time, and nobody is to blame. `doubtful`: the known image is of no use any more, and
 * that is all. `settle`: for settle-by-trusted.ts. `unclear`, `lost`: nothing was learnt.
 */
export type CheckOutcome = 'right' | 'disputed' | 'lie' | 'differs' | 'doubtful' | 'settle' | 'unclear' | 'lost';

export interface Answer {
  readonly said: Vote['verdict'];
  /** Of the image that is known. */
  readonly digest: string;
  /**
   * Of a dispute: would the same image again tell who was right? Only where the target is known to be reproducible: two machines of
   * one operator may be alike in what shows in the image, and then it is not the third one's fault.
   */
  readonly isTelling: boolean;
}

export function outcomeOf(kind: CheckKind, { said, digest, isTelling }: Answer): Exclude<CheckOutcome, 'lost'> {
  const isImage = said.outcome === 'image';
  const isSame = said.outcome === 'image' && said.digest === digest;
  if (kind === 'canary') return isSame ? 'right' : 'disputed';
  // That it cannot be built says nothing of the image that was: what upstream has may be gone since.
  if (kind === 'rebuild') return isImage ? 'settle' : 'unclear';
  if (isSame) return isTelling ? 'lie' : 'unclear';
  return isImage ? 'differs' : 'doubtful';
}

/** What is known of a volunteer that is about to get an order. */
export interface Candidate {
  /** Its word was never confirmed by anybody. */
  readonly isNewcomer: boolean;
  /** From 0 up to 1, drawn so that nobody else can know it. */
  readonly draw: number;
}

/** A counter would be known to the node that is counted. */
export const isCanaryDue = ({ isNewcomer, draw }: Candidate, { canary_one_in: oneIn }: TrustPolicy): boolean =>
  oneIn > 0 && (isNewcomer || draw < 1 / oneIn);

/** For images that volunteers published. */
export const isRebuildDue = (draw: number, { rebuild_one_in: oneIn }: TrustPolicy): boolean =>
  oneIn > 0 && draw < 1 / oneIn;

/** A check of which the answer got lost is given once more, but not for ever: upstream may be what fails. */
export const MAX_TRIES = 3;
/** A rebuild by which nothing was learnt is asked for anew when there is reason again, but not for ever either. */
export const MAX_REBUILDS = 3;
