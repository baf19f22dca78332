/** What is published is from now on known to checks; of what volunteers published some is built again. */
import type { BuildRecord } from '../../../shared/build/build-record.ts';
import { isRebuildDue } from '../../../shared/trust/checks.ts';
import { isReproducible } from '../../../shared/trust/reproducibility.ts';
import type { ForemanState } from '../foreman-state.ts';
import { draw } from './draw.ts';

/** In the transaction in which the build is done. Private builds and foreign feeds are nobody's to build but once. */
export function notePublished(state: ForemanState, record: BuildRecord, now: number): void {
  const { requestHash, request, pins } = record;
  if (record.private || request.repositories.length > 0) return;
  const right = state.votes.rowsOf(requestHash).filter(({ verdict }) => verdict === 'right');
  const vote = right.find(({ tier }) => tier === 'trusted') ?? right[0];
  if (vote?.outcome !== 'image' || vote.digest === null) return;
  const { inputs, digest, nodeId, operator } = vote;
  const word = vote.tier === 'trusted' ? 'trusted' : 'quorum';
  const known = { word, inputs, digest, nodeId, operator, imageBuilder: pins.imageBuilder.sha256 } as const;
  state.knownImages.add(record, known, word === 'trusted' && isToMeasure(state, request), now);
  if (word === 'trusted' || !isRebuildDue(draw(), state.config.TRUST_POLICY)) return;
  const added = state.knownImages.of(requestHash);
  if (added) state.checks.add('rebuild', added, now);
}

/** Where a difference was seen there is nothing left to see. */
export function isToMeasure(
  state: ForemanState,
  target: { readonly version: string; readonly target: string },
): boolean {
  const tally = state.reproducibility.of(target.version, target.target);
  return tally.unexplained === 0 && !isReproducible(target.version, target.target, tally, state.config.TRUST_POLICY);
}
