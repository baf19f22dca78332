/**
 * How a router of 2018 trusts a list of digests: by the programs that it has for it. usign looks for the key under the id that
 * the signature names, and busybox reads one line of the list. Written for itself, so that nothing of the server checks the server.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';

const ID_BYTES = 8;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Of an Ed25519 key in DER, before the key itself. */
const DER_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
/** Its buffer for one line. */
const LINE_BYTES = 511;
/** A digest and two characters. */
const NAME_AT = 66;

/** The name of a key's file in `/etc/opkg/keys`: what `usign -F` prints. @throws Error for what is no key */
export function keyId(publicKey: string): string {
  const payload = payloadOf(publicKey, KEY_BYTES);
  if (!payload) throw new Error(`expected a usign key, got ${publicKey.slice(0, 80)}`);
  return payload.id;
}

/** `usign -V -P /etc/opkg/keys` */
export function isSigned(message: Buffer, signature: Buffer, keys: ReadonlyMap<string, string>): boolean {
  const signed = payloadOf(signature.toString(), SIGNATURE_BYTES);
  const key = signed && payloadOf(keys.get(signed.id) ?? '', KEY_BYTES);
  if (!signed || key?.id !== signed.id) return false;
  const publicKey = createPublicKey({ key: Buffer.concat([DER_HEAD, key.bytes]), format: 'der', type: 'spki' });
  return verify(null, message, publicKey, signed.bytes);
}

/** `sha256sum -c` of the one line that has this name: `<64 hex>`, a blank, a blank or `*`, the name. */
export function isListed(sums: Buffer, name: string, file: Buffer): boolean {
  const lines = sums
    .toString('latin1')
    .split('\n')
    .filter((line) => line.length <= LINE_BYTES && line.slice(NAME_AT) === name);
  const [, digest] = /^([0-9a-f]{64}) [ *]/.exec(lines[0] ?? '') ?? [];
  return lines.length === 1 && digest === createHash('sha256').update(file).digest('hex');
}

/** Two lines: a comment, and base64 of "Ed", an id and what follows. */
function payloadOf(text: string, bytes: number): { readonly id: string; readonly bytes: Buffer } | undefined {
  const [comment, base64 = ''] = text.split('\n');
  const payload = Buffer.from(base64, 'base64');
  if (!comment?.startsWith('untrusted comment: ') || payload.length !== 2 + ID_BYTES + bytes) return undefined;
  if (payload.toString('latin1', 0, 2) !== 'Ed') return undefined;
  return { id: payload.toString('hex', 2, 2 + ID_BYTES), bytes: payload.subarray(2 + ID_BYTES) };
}
