/**
 * Is this the statement of that node about that build? Compared byte by byte with what an honest node would have signed: a
 * statement that says a little more than the edge knows would be published under the edge's name.
 */
import { hexToBytes } from '../crypto/digest.ts';
import { mayLackStatement } from '../node/farm-protocol.ts';
import { type DsseEnvelope, isSignedBy, openDsseBytes } from './dsse.ts';
import { IN_TOTO_TYPE } from './statement.ts';

export type StatementCheck =
  /** Null: there is none, and the node need not send any yet. */
  { readonly ok: true; readonly envelope: DsseEnvelope | null } | { readonly ok: false; readonly reason: string };

export interface StatingNode {
  /** 64 hex digits. */
  readonly publicKey: string;
  readonly tier: 'trusted' | 'volunteer';
}

/** `bytes`: the envelope as the node sent it, empty without one. `expected`: the payload (statement.ts). */
export async function checkStatement(
  bytes: Uint8Array,
  expected: Uint8Array,
  node: StatingNode,
): Promise<StatementCheck> {
  if (bytes.length === 0)
    return mayLackStatement(node.tier)
      ? { ok: true, envelope: null }
      : { ok: false, reason: 'there is no signed statement of what was built' };
  const opened = openDsseBytes(bytes, IN_TOTO_TYPE);
  if (!opened.ok) return { ok: false, reason: `statement: ${opened.reason}` };
  // First the key: what is told of a difference is told to who signed it.
  if (!(await isSignedBy(opened.value, hexToBytes(node.publicKey))))
    return { ok: false, reason: 'the statement is not signed by the key of this node' };
  const { payload, envelope } = opened.value;
  const at = payload.findIndex((byte, index) => byte !== expected[index]);
  if (at !== -1 || payload.length !== expected.length)
    return {
      ok: false,
      reason: `the statement is not about this lease and its files: ${difference(payload, expected, at)}`,
    };
  return { ok: true, envelope };
}

/** Where the two part ways, for the operator of a node that is not of this edge's version. */
function difference(payload: Uint8Array, expected: Uint8Array, at: number): string {
  const from = Math.max(0, (at === -1 ? Math.min(payload.length, expected.length) : at) - 24);
  const piece = (bytes: Uint8Array) => JSON.stringify(new TextDecoder().decode(bytes.subarray(from, from + 64)));
  return `expected ${piece(expected)}, got ${piece(payload)}`;
}
