/**
 * Of those whose build of it would be of use, is it this one's turn? Who had it and did not deliver comes last, who builds something
 * again is drawn, and nobody begins all. But a build never waits for one that will not be given it, nor for longer than it takes
 * whoever is there to come: else it would be enough to be there and take nothing.
 */
import { hadJustNow, mayTake, type Try } from '../../../shared/lease.ts';
import { drawPatienceMs, isDrawn } from '../../../shared/trust/draw-operator.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { Voice } from '../nodes/operators.ts';
import type { WhoIsHere } from '../nodes/who-is-here.ts';
import { type BuildRow, type LeaseRow, WHOM } from '../schema.ts';
import { isUnheard } from './brought-lease.ts';
import { isOfUse, type Wanted } from './is-of-use.ts';

export function isItsTurn(state: ForemanState, voice: Voice, wanted: Wanted, who: WhoIsHere, now: number): boolean {
  const { build, votes } = wanted;
  const me = triedBy(voice);
  const tries = triesOf(state, build);
  const others = () => who.voices().filter((other) => isOfUse(other, wanted));
  const waited = () => ({ waitedMs: now - waitsSince(state, wanted), patienceMs: patienceMs(state, now) });
  const isOverdue = () => {
    const { waitedMs, patienceMs: enoughMs } = waited();
    return waitedMs >= enoughMs;
  };
  if (!mayTake(me, tries, () => others().map(triedBy), isOverdue)) return false;
  if (voice.tier === 'trusted') return true;
  if (hadJustNow(me, tries, now)) return false;
  // Of foreign feeds the first build and its replicas are for the same nodes.
  if (build.whom !== WHOM.another && votes.length === 0)
    return !who.hasBegunMany(voice.operator) || isOverdue() || !who.voices().some(mayBeginIt(who, me, wanted));
  const volunteers = others().filter(({ tier }) => tier !== 'trusted');
  const hadIt = new Set(tries.map(({ by }) => by));
  // One that had it has had its turn, as long as others have not.
  const able = hadIt.has(me) ? volunteers : volunteers.filter((other) => !hadIt.has(triedBy(other)));
  const operators = able.map(({ operator }) => operator);
  return isDrawn(voice.operator, operators, build.draw, waited());
}

/** One that would leave it to others as well is nobody to leave it to, or they would wait for each other. */
const mayBeginIt =
  (who: WhoIsHere, me: string, wanted: Wanted) =>
  (other: Voice): boolean =>
    triedBy(other) !== me && who.mayBegin(other) && isOfUse(other, wanted);

const patienceMs = ({ farmSize }: ForemanState, now: number): number =>
  drawPatienceMs(farmSize.pace(now, WHOM.another).typicalMs);

/** A build that came back waits anew, and while the Foreman was away nobody could come. */
const waitsSince = ({ queue }: ForemanState, { build, votes }: Wanted): number =>
  Math.max(build.queuedAt, queue.polls.since(), ...votes.map(({ at }) => at));

/** Volunteers as the operator that they are, or a build would go from one of its machines to the next. */
const triedBy = ({ id, operator, tier }: Pick<Voice, 'id' | 'operator' | 'tier'>): string =>
  tier === 'trusted' ? `node ${id}` : `operator ${operator}`;

/** Who had it and did not deliver. The operator's own machine that gave it back was stopped, and comes for it again. */
const triesOf = (state: ForemanState, { requestHash }: BuildRow): Try[] =>
  state.leases.ofBuild(requestHash).flatMap((lease) => {
    const node = state.nodes.byId(lease.nodeId);
    return node && isTry(lease, node.tier) ? { by: triedBy(node), at: lease.grantedAt } : [];
  });

/** An order that could not be brought was given back by nobody. */
const isTry = (lease: LeaseRow, tier: Voice['tier']): boolean =>
  !lease.endReason?.startsWith('handed back') || (tier !== 'trusted' && !isUnheard(lease));
