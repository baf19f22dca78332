/**
 * Whether the server's key vouches for a build: `sha256sums` of it, the signature beside it, and each digest of the answer against
 * the list. The answer itself is worth what the line is worth that it came by; a key that was had by another way is worth more.
 */
import { verifyUsign } from '../../shared/crypto/usign.ts';
import { pathOf, SIGNATURE_FILE, SUMS_FILE } from '../../shared/seed/file-path.ts';
import { parseSha256Sums } from '../../shared/upstream/sha256sums.ts';
import { askText } from './ask.ts';
import type { DoneAnswer } from './build-answer.ts';
import { BadAnswer, RequestRefused } from './faults.ts';
import type { Patience } from './patience.ts';

const MAX_SUMS_BYTES = 1024 ** 2;
const MAX_SIGNATURE_BYTES = 4 * 1024;
const TIMEOUT_MS = 60_000;

/**
 * The id of the key that signed.
 * @param publicKeys usign public keys, any of which may have signed
 * @throws BadAnswer where it is not so; NotNow, RequestRefused
 */
export async function checkSignedSums(
  serverUrl: string,
  { request_hash, images }: DoneAnswer,
  publicKeys: readonly string[],
  patience: Patience,
  signal: AbortSignal,
): Promise<string> {
  const read = (name: string, maxBytes: number) =>
    patience.persist(() => readFile(`${serverUrl}/download/${pathOf(request_hash)}/${name}`, maxBytes, signal), signal);
  const sums = await read(SUMS_FILE, MAX_SUMS_BYTES);
  const signature = await read(SIGNATURE_FILE, MAX_SIGNATURE_BYTES);
  const verdict = await verifyUsign({ message: Buffer.from(sums), signature, publicKeys });
  if (!verdict.ok) throw new BadAnswer(WHY[verdict.reason](verdict.keyId ?? ''));
  const listed = parsed(sums);
  for (const { name, sha256 } of images) {
    const signed = listed.get(name);
    if (signed !== sha256)
      throw new BadAnswer(
        `${name}: the server answers sha256 ${sha256}, and signed is ${signed ?? 'none'}: believe neither`,
      );
  }
  return verdict.keyId;
}

const WHY = {
  unknown_key: (keyId: string) =>
    `${SUMS_FILE} is signed by key ${keyId}, which is not one of --key: it is another server, or its key has changed`,
  bad_signature: (keyId: string) =>
    `the signature of ${SUMS_FILE} by key ${keyId} does not fit: somebody has changed it`,
  malformed: () => `the signature of ${SUMS_FILE} is none`,
} as const;

function parsed(sums: string): ReadonlyMap<string, string> {
  try {
    return parseSha256Sums(sums);
  } catch (error) {
    throw new BadAnswer(`${SUMS_FILE}: ${(error as Error).message}`);
  }
}

async function readFile(url: string, maxBytes: number, signal: AbortSignal): Promise<string> {
  try {
    return await askText(url, { what: 'the whole file', maxBytes, timeoutMs: TIMEOUT_MS }, signal);
  } catch (error) {
    throw error instanceof RequestRefused && error.status === 404
      ? new BadAnswer(`the server signs nothing of this build (${error.message}); without --key it is taken as it is`)
      : error;
  }
}
