/**
 * Of those whose build of it would be of use, is it this one's turn? Who had it and did not deliver comes last, who builds something
 * again is drawn, and nobody begins all. But a build never waits for one that will not be given it, nor for longer than it takes
 * whoever is there to come: else it would be enough to be there and take nothing.
 */
import { hadJustNow, mayTake, type Try } from '../../../shared/node/lease.ts';
import { isDrawn } from '../../../shared/trust/draw-operator.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { Voice } from '../nodes/voices.ts';
import type { WhoIsHere } from '../nodes/who-is-here.ts';
import { type BuildRow, type LeaseRow, WHOM } from '../schema.ts';
import { isUnheard } from './brought-lease.ts';
import { isOfUse, type Wanted } from './is-of-use.ts';

export function isItsTurn(state: ForemanState, voice: Voice, wanted: Wanted, who: WhoIsHere, now: number): boolean {
  return isItsTurnAfter(triesOf(state, wanted.build), voice, wanted, who, now);
}

/** `tries`: of those that had it and did not deliver. */
export function isItsTurnAfter(
  tries: readonly Try[],
  voice: Voice,
  wanted: Wanted,
  who: WhoIsHere,
  now: number,
): boolean {
  const { build, votes } = wanted;
  const me = triedBy(voice);
  const waited = () => ({ waitedMs: now - waitsSince(wanted, who), patienceMs: who.patienceMs() });
  const isOverdue = () => {
    const { waitedMs, patienceMs } = waited();
    return waitedMs >= patienceMs;
  };
  if (!mayTake(me, tries, () => present(who, wanted), isOverdue)) return false;
  if (voice.tier === 'trusted') return true;
  if (hadJustNow(me, tries, now)) return false;
  // Of foreign feeds the first build and its replicas are for the same nodes.
  if (build.whom !== WHOM.another && votes.length === 0)
    return !who.hasBegunMany(voice.operator) || isOverdue() || !isAnotherToBegin(who, me, wanted);
  const hadIt = new Set(tries.map(({ by }) => by));
  return isDrawn(voice.operator, drawnOf(who, wanted, hadIt.has(me) ? NOBODY : hadIt), build.draw, waited());
}

const NOBODY: ReadonlySet<string> = new Set();

function* present(who: WhoIsHere, wanted: Wanted): Generator<string> {
  for (const other of who.voices()) if (isOfUse(other, wanted)) yield triedBy(other);
}

/** Operators of which one is drawn. One that had it has had its turn, as long as others have not. */
function* drawnOf(who: WhoIsHere, wanted: Wanted, hadIt: ReadonlySet<string>): Generator<string> {
  for (const other of who.voices())
    if (other.tier !== 'trusted' && isOfUse(other, wanted) && !hadIt.has(triedBy(other))) yield other.operator;
}

/** One that would leave it to others as well is nobody to leave it to, or they would wait for each other. */
function isAnotherToBegin(who: WhoIsHere, me: string, wanted: Wanted): boolean {
  for (const other of who.beginners()) if (triedBy(other) !== me && isOfUse(other, wanted)) return true;
  return false;
}

/** A build that came back waits anew, and while the Foreman was away nobody could come. */
const waitsSince = ({ build, votes }: Wanted, who: WhoIsHere): number =>
  Math.max(build.queuedAt, who.couldComeSince(), ...votes.map(({ at }) => at));

/** Volunteers as the operator that they are, or a build would go from one of its machines to the next. */
export const triedBy = ({ id, operator, tier }: Pick<Voice, 'id' | 'operator' | 'tier'>): string =>
  tier === 'trusted' ? `node ${id}` : `operator ${operator}`;

/** Who had it and did not deliver. The operator's own machine that gave it back was stopped, and comes for it again. */
const triesOf = (state: ForemanState, { requestHash }: Pick<BuildRow, 'requestHash'>): Try[] =>
  state.leases.ofBuild(requestHash).flatMap((lease) => {
    const node = state.nodes.byId(lease.nodeId);
    return node && isTry(lease, node.tier) ? { by: triedBy(node), at: lease.grantedAt } : [];
  });

type EndedLease = Pick<LeaseRow, 'endReason' | 'idempotencyKey' | 'lastSequence'>;

/** An order that could not be brought was given back by nobody. */
export const isTry = (lease: EndedLease, tier: Voice['tier']): boolean =>
  !lease.endReason?.startsWith('handed back') || (tier !== 'trusted' && !isUnheard(lease));
