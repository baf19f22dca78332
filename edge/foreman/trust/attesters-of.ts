/** Who vouches for an image that is decided upon, as its record keeps them. */
import type { BuildRecord, RecordedAttester } from '../../../shared/build/build-record.ts';
import type { ForemanState } from '../foreman-state.ts';

/** `votes`: those that agree. */
export function attestersOf(
  { nodes, votes: table }: ForemanState,
  requestHash: string,
  votes: readonly { readonly leaseId: string }[],
): RecordedAttester[] {
  const rows = table.rowsOf(requestHash).filter(({ leaseId }) => votes.some((vote) => vote.leaseId === leaseId));
  return rows.flatMap(({ leaseId, nodeId }) => {
    const node = nodes.byId(nodeId);
    return node ? [{ leaseId, nodeId, publicKey: node.publicKey, operator: node.operator, tier: node.tier }] : [];
  });
}

/** Of a record from before they were kept it is the one node that built. */
export function recordedAttesters({ nodes }: ForemanState, record: BuildRecord): readonly RecordedAttester[] {
  if (record.attesters) return record.attesters;
  const { leaseId, nodeId, operator } = record;
  const node = nodes.byId(nodeId);
  return node ? [{ leaseId, nodeId, publicKey: node.publicKey, operator, tier: node.tier }] : [];
}
