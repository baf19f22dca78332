/**
 * sha256 and HMAC-sha256 as lower-case hex. Synchronous on purpose: identity is computed on the path of every request,
 * and WebCrypto's promise costs more there than the hash itself.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

const asBytes = (data: string | Uint8Array): Uint8Array => (typeof data === 'string' ? utf8ToBytes(data) : data);

/** sha256 of bytes, or of a string's UTF-8; 64 hex digits. */
export const sha256Hex = (data: string | Uint8Array): string => bytesToHex(sha256(asBytes(data)));

/** HMAC-sha256; 64 hex digits. */
export const hmacSha256Hex = (key: string | Uint8Array, message: string | Uint8Array): string =>
  bytesToHex(hmac(sha256, asBytes(key), asBytes(message)));

/** True for a full sha256 as we write it: 64 lower-case hex digits and nothing else. */
export const isSha256Hex = (value: string): boolean => /^[0-9a-f]{64}$/.test(value);

export { bytesToHex, hexToBytes, utf8ToBytes };
