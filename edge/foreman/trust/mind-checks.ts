/**
 * What is left to do for checks, found in the tables whenever the Foreman looks: such as have lost their lease, what rebuilds said, and
 * files that nobody will ever fetch. Each step may be broken off and is done again.
 */
import { storeKey } from '../../../shared/build/build-record.ts';
import { isHeard } from '../../../shared/node/node-state.ts';
import { MAX_TRIES } from '../../../shared/trust/checks.ts';
import { HISTORY_MS } from '../../lifetimes.ts';
import { logWarning } from '../../log.ts';
import { deleteAll } from '../../storage/delete-all.ts';
import type { ForemanState } from '../foreman-state.ts';
import { removeLeaseFiles } from '../images/remove-lease-files.ts';
import type { CheckRow } from '../schema.ts';
import { settleByTrusted } from './settle-by-trusted.ts';

const FORGET_AT_ONCE = 200;

/** @throws when the store or KV does not answer: to be tried again */
export async function mindChecks(state: ForemanState, now: number): Promise<void> {
  for (const { check, isGivenBack } of state.checks.lost()) endLost(state, check, isGivenBack, now);
  await settleRebuilds(state, now);
  state.checks.forget(now - HISTORY_MS, FORGET_AT_ONCE);
  state.knownImages.forget(now - HISTORY_MS, FORGET_AT_ONCE);
  for (const { id, leaseId } of state.checks.toClean(now)) {
    if (leaseId !== null) await removeFiles(state, leaseId);
    state.checks.cleaned(id);
  }
}

/**
 * Another canary will do; what somebody else is to settle is given once more. One that was given back was not tried: a liar would go
 * free because the operator's own machine was stopped three times.
 */
function endLost(state: ForemanState, check: CheckRow, isGivenBack: boolean, now: number): void {
  const tries = check.tries + (isGivenBack ? 0 : 1);
  state.db.transaction(() => {
    if (check.kind !== 'canary' && tries < MAX_TRIES) state.checks.again(check, tries, now);
    else state.checks.end(check.id, 'lost', now);
  });
}

async function settleRebuilds(state: ForemanState, now: number): Promise<void> {
  for (let check = state.checks.settling(); check; check = state.checks.settling()) {
    const { requestHash, inputs, said } = check;
    const node = state.nodes.byId(check.nodeId ?? '');
    if (node?.tier !== 'trusted' || !isHeard(node.state)) {
      // It is not believed any more what it said.
      endLost(state, check, false, now);
      continue;
    }
    const [, digest = ''] = (said ?? '').split(' ');
    const settled = await settleByTrusted(state, { requestHash, inputs, digest, nodeId: node.id }, now);
    if (settled !== 'confirmed')
      logWarning('an image was built again by a trusted node', { request: requestHash, node: node.id, settled });
    state.db.transaction(() => {
      const { id: nodeId, operator } = node;
      if (settled === 'confirmed') state.knownImages.put(requestHash, { word: 'trusted', nodeId, operator });
      else state.knownImages.remove(requestHash);
      state.checks.end(check.id, 'settle', now);
    });
  }
}

async function removeFiles(state: ForemanState, leaseId: string): Promise<void> {
  await removeLeaseFiles(state, leaseId);
  await deleteAll(state.store, storeKey.logs(leaseId));
}
