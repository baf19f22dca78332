/**
 * The demo's signing key. THE SEED IS PUBLIC, IT STANDS HERE: whoever reads this file can sign as the demo, so its
 * signatures protect nothing. They exist so that everything which verifies OpenWrt's signatures has real ones to
 * verify. Never configure this key for anything but the demo's own mirror.
 */
import { createHash } from 'node:crypto';
import { parseUsignPublicKey, type UsignKeyPair, usignKeyFromSeed } from '../../shared/crypto/usign.ts';

const publicSeedPhrase = 'OpenWrt demo mirror: this seed is public and protects nothing';

/** SubjectPublicKeyInfo of an Ed25519 key up to the key itself (RFC 8410, section 4). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

export function demoKey(): Promise<UsignKeyPair> {
  return usignKeyFromSeed(createHash('sha256').update(publicSeedPhrase).digest());
}

/** The same public key as apk-era ImageBuilders keep theirs: a PEM file. */
export function publicKeyPem(usignPublicKey: string): string {
  const der = Buffer.concat([spkiPrefix, parseUsignPublicKey(usignPublicKey).publicKey]);
  return `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`;
}
