/** A volunteer's word counts only with its statement, so each that is simulated has a key and signs, as farm/membership/sign-statement.ts does. */
import type { Order } from '../../edge/foreman/leases/give-lease.ts';
import { utf8ToBytes } from '../../shared/crypto/digest.ts';
import { type SigningKey, signingKey } from '../../shared/crypto/ed25519.ts';
import { signDsse } from '../../shared/trust/dsse.ts';
import { statedRequest } from '../../shared/trust/stated-request.ts';
import { failureStatement, IN_TOTO_TYPE, imageStatement, type OrderedBuild } from '../../shared/trust/statement.ts';
import type { ReportedEvent } from './built-files.ts';

export const drawnKey = (random: () => number): Promise<SigningKey> =>
  signingKey(Uint8Array.from({ length: 32 }, () => Math.floor(random() * 256)));

/** The same word with the statement to it; of a word that is none about the request, the word. */
export async function signedWord(key: SigningKey, order: Order, word: ReportedEvent): Promise<ReportedEvent> {
  if (word?.case === 'failed') {
    const kind = word.value.kind ?? '';
    return { ...word, value: { ...word.value, statement: await signed(key, failureStatement(ordered(order), kind)) } };
  }
  if (word?.case !== 'succeeded') return word;
  const { files = [], manifest = [] } = word.value;
  const output = {
    files: files.map(({ name = '', sha256 = '' }) => ({ name, sha256 })),
    manifest: Object.fromEntries(manifest.map(({ name = '', version = '' }) => [name, version])),
    // As its profiles.json says, which says nothing of it.
    sourceDateEpoch: 0,
  };
  return { ...word, value: { ...word.value, statement: await signed(key, imageStatement(ordered(order), output)) } };
}

const signed = async (key: SigningKey, payload: Uint8Array): Promise<Uint8Array<ArrayBuffer>> =>
  Uint8Array.from(utf8ToBytes(JSON.stringify(await signDsse(key, IN_TOTO_TYPE, payload))));

const ordered = ({ nodeId, requestHash, leaseId, request, pins }: Order): OrderedBuild => ({
  nodeId,
  requestHash,
  leaseId,
  request: statedRequest(request),
  pins,
});
