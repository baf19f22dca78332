/**
 * A target's `sha256sums`, as far as it is signed by somebody who may. An order is the edge's word; what runs on this machine
 * is decided here, by the same keys and the same judgement, so that an edge that was taken over, or a mirror that lies to it
 * and not to us, cannot hand us an ImageBuilder of its own.
 */
import { BuildError } from '../../shared/build/build-error.ts';
import { parseSha256Sums, type Sha256Sums } from '../../shared/upstream/sha256sums.ts';
import { judgeSignature, type SigningPolicy, signersOf, UNSIGNED } from '../../shared/upstream/upstream-signature.ts';
import { gpgFingerprints, verifyByGpg } from './gpg-signature.ts';
import { unavailable } from './mirror-request.ts';
import { readSmallFile, type SmallFileOptions } from './small-file.ts';
import type { UpstreamPlace } from './upstream-place.ts';

export interface SupplyTrust extends SigningPolicy {
  /** OpenPGP public keys that count for `sha256sums.asc` where no usign signature does; null: none. */
  readonly gpgKeyFile: string | null;
}

export interface VerifiedSums {
  readonly sums: Sha256Sums;
  /** Id of the usign key, `gpg:<fingerprint>`, or `unsigned`. */
  readonly signedBy: string;
}

export type ReadSumsOptions = Omit<SmallFileOptions, 'maxBytes'>;

/** Some three times the largest seen. */
const MAX_SUMS_BYTES = 8 << 20;
const MAX_SIGNATURE_BYTES = 16 << 10;
const GPG = 'gpg:';

/** @throws BuildError `upstream_unavailable`, or `internal` where the node's own settings are wrong; the signal's reason */
export async function readVerifiedSums(
  { directoryUrl, version }: Pick<UpstreamPlace, 'directoryUrl' | 'version'>,
  trust: SupplyTrust,
  options: ReadSumsOptions,
): Promise<VerifiedSums> {
  const url = `${directoryUrl}/sha256sums`;
  const [file, signature] = await Promise.all([
    readSmallFile(url, { ...options, maxBytes: MAX_SUMS_BYTES }),
    readSmallFile(`${url}.sig`, { ...options, maxBytes: MAX_SIGNATURE_BYTES }),
  ]);
  if (file === null) throw unavailable(url, 'it is not there');
  // Asked before the signature, which would only be told to be wrong.
  if (file.isHtml) throw unavailable(url, 'expected a list of digests, got an HTML page');
  const message = file.bytes;
  const signedBy = await signerOf(url, version, message, signature && text(signature.bytes), trust, options);
  try {
    return { sums: parseSha256Sums(text(message)), signedBy };
  } catch (error) {
    throw unavailable(url, (error as Error).message);
  }
}

/** Whether what was once signed by somebody is still good enough today: a key that was taken away counts no more. */
export async function isStillTrusted(
  signedBy: string,
  version: string | null,
  trust: SupplyTrust,
  signal: AbortSignal,
): Promise<boolean> {
  if (signedBy === UNSIGNED) return trust.allowUnsigned;
  if (signedBy.startsWith(GPG))
    return (
      trust.gpgKeyFile !== null && (await gpgFingerprints(trust.gpgKeyFile, signal)).has(signedBy.slice(GPG.length))
    );
  return signersOf(version, trust).has(signedBy);
}

async function signerOf(
  url: string,
  version: string | null,
  message: Uint8Array,
  signature: string | null,
  trust: SupplyTrust,
  options: ReadSumsOptions,
): Promise<string> {
  const judgement = await judgeSignature({ version, path: url, message, signature }, trust);
  if (judgement.trusted && judgement.signedBy !== UNSIGNED) return judgement.signedBy;
  if (!judgement.trusted && judgement.reason === 'bad_setting')
    throw new BuildError('internal', undefined, { cause: new Error(judgement.sentence) });
  // Somebody who may sign has signed something else: no other signature mends that.
  if (!judgement.trusted && judgement.reason === 'bad_signature') throw refused(judgement.sentence);
  const byGpg = trust.gpgKeyFile === null ? null : await gpgSigner(url, message, trust.gpgKeyFile, options);
  if (byGpg !== null && 'signedBy' in byGpg) return byGpg.signedBy;
  if (judgement.trusted) return judgement.signedBy;
  throw refused(byGpg === null ? judgement.sentence : `${judgement.sentence}; ${byGpg.reason}`);
}

async function gpgSigner(
  url: string,
  message: Uint8Array,
  keyFile: string,
  options: ReadSumsOptions,
): Promise<{ readonly signedBy: string } | { readonly reason: string }> {
  const file = await readSmallFile(`${url}.asc`, { ...options, maxBytes: MAX_SIGNATURE_BYTES });
  if (file === null) return { reason: 'nor is there an OpenPGP signature (.asc)' };
  const verdict = await verifyByGpg({ message, signature: file.bytes, keyFile, signal: options.signal });
  if (verdict.state === 'good') return { signedBy: `${GPG}${verdict.fingerprint}` };
  if (verdict.state === 'bad') throw refused(`${url}.asc: is not of this file; half-published?`);
  return { reason: `the OpenPGP signature (.asc) does not count either: ${verdict.reason}` };
}

const refused = (sentence: string): BuildError =>
  new BuildError('upstream_unavailable', `Error: ${sentence}. This is not a fault of your request`);

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
