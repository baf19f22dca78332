/**
 * A trusted node has built again what is published: is it the same? Told by whoever had it built; here the consequences are drawn, as
 * of a trusted word that comes late (judge-votes.ts). Without this an image that enough liars agreed upon would be served for ever.
 */
import { isHeard } from '../../../shared/node/node-state.ts';
import { resultDigest } from '../../../shared/trust/result-digest.ts';
import type { ForemanState } from '../foreman-state.ts';
import { recall } from '../publishing/recall.ts';
import type { VoteRow } from '../schema.ts';
import { castVote } from './cast-vote.ts';
import { inputsOf } from './decide-build.ts';
import { judgeVotes } from './judge-votes.ts';
import { publishedRecord } from './withdraw.ts';

/** What a trusted node made of a published build's request. `inputs`: inputsOf its lease's pins. `digest`: resultDigest. */
export interface TrustedWord {
  readonly requestHash: string;
  readonly inputs: string;
  readonly digest: string;
  readonly nodeId: string;
}

/**
 * `withdrawn`: it stood on volunteers alone; it is taken back, and they are put out. `not reproducible`: a trusted node had made it,
 * so the target is at fault: nobody is blamed, and the image stays. `other inputs`: upstream moved, and nothing follows.
 */
export type Settled = 'confirmed' | 'withdrawn' | 'not reproducible' | 'other inputs' | 'nothing published';

/**
 * The same again where it is told twice. What is taken back goes by the next alarm.
 * @throws Error where the node is none that decides; what the store throws that does not answer: to be told again
 */
export async function settleByTrusted(state: ForemanState, word: TrustedWord, now: number): Promise<Settled> {
  const { requestHash, inputs, digest } = word;
  const record = await publishedRecord(state.store, requestHash);
  if (!record) return 'nothing published';
  if (inputsOf(record.pins) !== inputs) return 'other inputs';
  return state.db.transaction((): Settled => {
    const node = state.nodes.byId(word.nodeId);
    if (node?.tier !== 'trusted' || !isHeard(node.state))
      throw new Error(`expected the word of a trusted node that is believed, got that of ${word.nodeId}`);
    const published = resultDigest(record);
    const before = state.votes.rowsOf(requestHash).filter(({ verdict }) => verdict === 'right');
    const isTrusted =
      before.some(isTrustedWordFor(published)) || record.attesters?.some(({ tier }) => tier === 'trusted') === true;
    // Of no lease of this build's: it has a name of its own.
    const said = { id: `again ${requestHash}`, inputs };
    castVote(state, record, node, said, { verdict: { outcome: 'image', digest } }, now);
    judgeVotes(state, record, now);
    if (digest === published) return 'confirmed';
    if (!isTrusted) {
      // Also where nothing is left of the votes by which it was decided.
      recall(state, record, now);
      return 'withdrawn';
    }
    // Of another operator's word it is noted already that it differs.
    if (!before.some(({ operator, tier }) => tier === 'trusted' && operator !== node.operator))
      state.reproducibility.note(record.request.version, record.request.target, 'unexplained', now);
    return 'not reproducible';
  });
}

const isTrustedWordFor =
  (digest: string) =>
  (row: VoteRow): boolean =>
    row.tier === 'trusted' && row.outcome === 'image' && row.digest === digest;
