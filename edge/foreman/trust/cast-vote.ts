/**
 * What a node says of a build becomes its operator's vote. An operator has one, so a trusted node's word takes the place of its
 * volunteer's: that one is judged in the same moment, or whoever runs both could have the volunteer lie and nobody would see it.
 */
import type { ForemanState } from '../foreman-state.ts';
import type { NodeRow } from '../schema.ts';
import { haveRebuilt } from './have-rebuilt.ts';
import { isMeasured, type Judged, judgeReplaced } from './judge-votes.ts';
import type { Said } from './votes.ts';

/** Within the transaction in which the build is decided by it, or judged. */
export function castVote(
  state: ForemanState,
  build: Judged,
  node: NodeRow,
  lease: { readonly id: string; readonly inputs: string },
  said: Said,
  now: number,
): void {
  const { requestHash } = build;
  const rows = node.tier === 'trusted' ? state.votes.rowsOf(requestHash) : [];
  const replaced = rows.find(({ operator, tier }) => operator === node.operator && tier !== 'trusted');
  // By a failure no image goes that is decided (judge-votes.ts), and no word about one either.
  if (replaced && said.verdict.outcome === 'failure' && replaced.outcome === 'image' && isMeasured(replaced)) {
    if (!rows.some((row) => row.tier === 'trusted' && isMeasured(row))) haveRebuilt(state, requestHash, now);
    return;
  }
  state.votes.cast(requestHash, node, lease, said, now);
  if (replaced) judgeReplaced(state, build, replaced, now);
}
