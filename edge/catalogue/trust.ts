/**
 * Whose signature counts for which version. Asked when a target is compiled and again whenever its document is read, so that
 * a key that an operator takes away stops counting at once, wherever copies of a document still lie.
 */
import type { CatalogueDocument } from '../../shared/catalogue-document.ts';
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import { openwrtKeysFor } from '../../shared/openwrt-keys.ts';
import { parseUsignPublicKey, verifyUsign } from '../../shared/usign.ts';
import { UpstreamTrouble } from './reading.ts';

export type TrustSettings = Pick<EdgeSettings, 'UPSTREAM_KEYS' | 'UPSTREAM_UNSIGNED'>;

export const UNSIGNED = 'unsigned';

/** OpenWrt's keys for the version, and the operator's for every version. */
const trustedKeys = (version: string, settings: TrustSettings): readonly string[] => [
  ...openwrtKeysFor(version).map(({ key }) => key),
  ...settings.UPSTREAM_KEYS,
];

/**
 * The id of the key that signed, or `unsigned` where the operator allows that.
 * @throws UpstreamTrouble where the signature does not count. A signature by a known key that does not fit is refused in
 *   either case: it is a directory halfway through publishing, or somebody's attempt
 */
export async function signerOf(
  signed: {
    readonly version: string;
    readonly path: string;
    readonly message: Uint8Array;
    readonly signature: string | null;
  },
  settings: TrustSettings,
): Promise<string> {
  const { version, path, message, signature } = signed;
  if (signature === null) {
    if (settings.UPSTREAM_UNSIGNED) return UNSIGNED;
    throw new UpstreamTrouble(`${path}: has no signature beside it`);
  }
  let verdict: Awaited<ReturnType<typeof verifyUsign>>;
  try {
    verdict = await verifyUsign({ message, signature, publicKeys: trustedKeys(version, settings) });
  } catch (error) {
    throw new UpstreamTrouble(`UPSTREAM_KEYS: ${(error as Error).message}`);
  }
  if (verdict.ok) return verdict.keyId;
  if (settings.UPSTREAM_UNSIGNED && verdict.reason !== 'bad_signature') return UNSIGNED;
  throw new UpstreamTrouble(
    verdict.reason === 'unknown_key'
      ? `${path}: is signed by key ${verdict.keyId}, which is not trusted for ${version}; a key is added with UPSTREAM_KEYS`
      : verdict.reason === 'bad_signature'
        ? `${path}: the signature by key ${verdict.keyId} is not of this file; half-published?`
        : `${path}: what lies beside it is no usign signature`,
  );
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
    signers = new Set(trustedKeys(document.version, settings).flatMap(keyIdOf));
    table.set(document.version, signers);
  }
  return signers.has(document.signedBy);
}

/** A malformed key vouches for nothing here; `signerOf` says so. */
function keyIdOf(key: string): string[] {
  try {
    return [parseUsignPublicKey(key).keyId];
  } catch {
    return [];
  }
}
