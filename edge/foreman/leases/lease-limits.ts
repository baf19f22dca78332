/**
 * How much one node may have at once, and one operator of volunteers. Each question for work may be answered with a build: whoever
 * asked by a thousand connections would else hold the whole queue, and let it go by its time.
 */
import type { ForemanState } from '../foreman-state.ts';
import type { NodeRow } from '../schema.ts';

/** May it be given one more? While something else was waited for it may have been set aside, or been given others. */
export const mayTakeMore = (state: ForemanState, node: NodeRow): boolean =>
  state.nodes.mayBuild(node.id) && !hasAllItMay(state, node);

/** The operator's own machines that ask are taken at their word: they ask with a free slot, and are told of an end before we are. */
export function hasAllItMay({ leases, config }: ForemanState, node: NodeRow): boolean {
  const isVolunteer = node.tier !== 'trusted';
  // One that is called gets orders while it asks.
  if (!isVolunteer && node.address === '') return false;
  if (leases.activeOf(node.id) >= node.slots) return true;
  return isVolunteer && leases.activeOfVolunteers(node.operator) >= config.MAX_VOLUNTEER_LEASES;
}
