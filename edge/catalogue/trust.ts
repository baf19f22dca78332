/**
 * Whose signature counts for which version. Asked when a target is compiled and again whenever its document is read, so that
 * a key that an operator takes away stops counting at once, wherever copies of a document still lie.
 */
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import type { CatalogueDocument } from '../../shared/upstream/catalogue-document.ts';
import {
  judgeSignature,
  type SignedFile,
  type SigningPolicy,
  signersOf,
  UNSIGNED,
} from '../../shared/upstream/upstream-signature.ts';
import { UpstreamTrouble } from './reading.ts';

export type TrustSettings = Pick<EdgeSettings, 'UPSTREAM_KEYS' | 'UPSTREAM_UNSIGNED'>;

const policyOf = (settings: TrustSettings): SigningPolicy => ({
  keys: settings.UPSTREAM_KEYS,
  allowUnsigned: settings.UPSTREAM_UNSIGNED,
  keysSetting: 'UPSTREAM_KEYS',
});

/**
 * The id of the key that signed, or `unsigned` where the operator allows that.
 * @throws UpstreamTrouble where the signature does not count
 */
export async function signerOf(signed: SignedFile, settings: TrustSettings): Promise<string> {
  const judgement = await judgeSignature(signed, policyOf(settings));
  if (!judgement.trusted) throw new UpstreamTrouble(judgement.sentence);
  return judgement.signedBy;
}

const signerTables = new WeakMap<TrustSettings, Map<string, ReadonlySet<string>>>();

/** Whether a copy of a document still counts under today's settings; only what is made from a target's directory is signed. */
export function isTrusted(document: CatalogueDocument, settings: TrustSettings): boolean {
  if (document.kind !== 'target' && document.kind !== 'profiles') return true;
  if (document.signedBy === UNSIGNED) return settings.UPSTREAM_UNSIGNED;
  let table = signerTables.get(settings);
  if (!table) {
    table = new Map();
    signerTables.set(settings, table);
  }
  let signers = table.get(document.version);
  if (!signers) {
    signers = signersOf(document.version, policyOf(settings));
    table.set(document.version, signers);
  }
  return signers.has(document.signedBy);
}
