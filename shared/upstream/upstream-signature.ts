/**
 * Whose signature of an upstream's `sha256sums` counts, and why one does not. The edge asks before it believes a target, a
 * node before it runs an ImageBuilder: two answers to the same question would make one of them the weak door.
 */
import { parseUsignPublicKey, verifyUsign } from '../crypto/usign.ts';
import { openwrtKeysFor } from './openwrt-keys.ts';

/** Stands where a key id would. */
export const UNSIGNED = 'unsigned';

export interface SigningPolicy {
  /** usign public keys that count for every version, beside OpenWrt's own. */
  readonly keys: readonly string[];
  readonly allowUnsigned: boolean;
  /** What the operator calls `keys`; told where they are wrong or one is missing. */
  readonly keysSetting: string;
}

export interface SignedFile {
  /** Null: it belongs to none that we know, and only the operator's keys count. */
  readonly version: string | null;
  /** For sentences. */
  readonly path: string;
  readonly message: Uint8Array;
  /** Text of the `.sig` beside it; null where there is none. */
  readonly signature: string | null;
}

export type SignatureJudgement =
  /** By the key of this id, or `unsigned` where the operator allows that. */
  | { readonly trusted: true; readonly signedBy: string }
  | {
      readonly trusted: false;
      readonly reason: 'no_signature' | 'malformed' | 'unknown_key' | 'bad_signature' | 'bad_setting';
      readonly sentence: string;
    };

/** A signature by a known key that does not fit is refused even where unsigned is allowed: half-published, or an attempt. */
export async function judgeSignature(file: SignedFile, policy: SigningPolicy): Promise<SignatureJudgement> {
  const { version, path, message, signature } = file;
  const refused = (reason: (SignatureJudgement & { trusted: false })['reason'], sentence: string) =>
    ({ trusted: false, reason, sentence }) as const;
  if (signature === null)
    return policy.allowUnsigned
      ? { trusted: true, signedBy: UNSIGNED }
      : refused('no_signature', `${path}: has no signature beside it`);
  let verdict: Awaited<ReturnType<typeof verifyUsign>>;
  try {
    verdict = await verifyUsign({ message, signature, publicKeys: trustedKeys(version, policy) });
  } catch (error) {
    return refused('bad_setting', `${policy.keysSetting}: ${(error as Error).message}`);
  }
  if (verdict.ok) return { trusted: true, signedBy: verdict.keyId };
  if (policy.allowUnsigned && verdict.reason !== 'bad_signature') return { trusted: true, signedBy: UNSIGNED };
  return refused(
    verdict.reason,
    verdict.reason === 'unknown_key'
      ? `${path}: is signed by key ${verdict.keyId}, which is not trusted for ${version ?? 'it'}; a key is added with ${policy.keysSetting}`
      : verdict.reason === 'bad_signature'
        ? `${path}: the signature by key ${verdict.keyId} is not of this file; half-published?`
        : `${path}: what lies beside it is no usign signature`,
  );
}

/** Ids of all keys that may sign a version. A malformed key vouches for nothing here; `judgeSignature` says so. */
export const signersOf = (version: string | null, policy: Pick<SigningPolicy, 'keys'>): ReadonlySet<string> =>
  new Set(trustedKeys(version, policy).flatMap(keyIdOf));

const trustedKeys = (version: string | null, policy: Pick<SigningPolicy, 'keys'>): readonly string[] => [
  ...(version === null ? [] : openwrtKeysFor(version).map(({ key }) => key)),
  ...policy.keys,
];

function keyIdOf(key: string): string[] {
  try {
    return [parseUsignPublicKey(key).keyId];
  } catch {
    return [];
  }
}
