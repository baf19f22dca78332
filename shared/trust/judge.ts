/**
 * Who was right? Once a build is decided, each vote about it is held against the word that decided. Purely, since it is here that
 * a machine is put out of the farm, or a target is found to differ with every build, and the one must not be taken for the other.
 */
import { saysTheSame, type Vote } from './quorum.ts';

/**
 * `lie`: it said something else than a trusted node. `differs`: it said something else, and that may be the target's fault, or it
 * is not known whose. `moot`: it was about other inputs, or may have been.
 */
export type Finding = 'right' | 'lie' | 'differs' | 'moot';

/**
 * `measure`: the word that decided. `votes`: all about this build, also those that were judged before. `isPinned`: were all its inputs
 * told to whoever built it? Foreign feeds are not: whoever has one may show each who asks another, and put honest nodes out by that.
 */
export function judge(vote: Vote, measure: Vote, votes: readonly Vote[], isPinned = true): Finding {
  if (vote.inputs !== measure.inputs) return 'moot';
  if (saysTheSame(vote, measure)) return 'right';
  if (!isPinned) return 'moot';
  if (measure.tier !== 'trusted' || vote.tier === 'trusted') return 'differs';
  return isOnItsOwn(measure, votes) && everybodyDiffers(votes, measure.inputs) ? 'differs' : 'lie';
}

/** A trusted word that nobody else confirms. */
const isOnItsOwn = (measure: Vote, votes: readonly Vote[]): boolean =>
  !votes.some(
    (vote) => vote.operator !== measure.operator && vote.inputs === measure.inputs && saysTheSame(vote, measure),
  );

/** Three images of three operators, none equal to another: that is no liar, it is a target that is another one each time. */
function everybodyDiffers(votes: readonly Vote[], inputs: string): boolean {
  const images = votes.flatMap((vote) =>
    vote.inputs === inputs && vote.verdict.outcome === 'image' ? [vote.verdict.digest] : [],
  );
  return images.length >= 3 && new Set(images).size === images.length;
}
