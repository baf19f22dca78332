/** A raw Ed25519 public key as the PEM text (RFC 8410) that OpenSSL, cosign and everybody else reads. */
import { bytesToHex, hexToBytes } from '../crypto/digest.ts';

const SPKI_PREFIX = '302a300506032b6570032100';
const PEM = /^-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=]{60})\s+-----END PUBLIC KEY-----\s*$/;

export function toPem(publicKey: Uint8Array): string {
  const bytes = hexToBytes(SPKI_PREFIX + bytesToHex(publicKey));
  return `-----BEGIN PUBLIC KEY-----\n${btoa(String.fromCharCode(...bytes))}\n-----END PUBLIC KEY-----\n`;
}

/** From PEM or from 64 hex digits; null for anything else. */
export function publicKeyFrom(text: string): Uint8Array | null {
  if (/^[0-9a-f]{64}\s*$/.test(text)) return hexToBytes(text.trim());
  const [, base64] = PEM.exec(text) ?? [];
  if (base64 === undefined) return null;
  try {
    const hex = bytesToHex(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
    return hex.startsWith(SPKI_PREFIX) && hex.length === SPKI_PREFIX.length + 64
      ? hexToBytes(hex.slice(SPKI_PREFIX.length))
      : null;
  } catch {
    return null;
  }
}
