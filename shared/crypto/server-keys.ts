/** Everything that the server's one secret is used for, each with a key of its own (HMAC as the expanding function). */
import { hexToBytes, hmacSha256Hex, isSha256Hex } from './digest.ts';
import { type SigningKey, signingKey } from './ed25519.ts';
import { type UsignKeyPair, usignKeyFromSeed } from './usign.ts';

export interface ServerKeys {
  /** Signs orders, tokens and certificates. */
  readonly signing: SigningKey;
  /** For the HMAC of `defaults` in identities. */
  readonly defaultsMac: Uint8Array;
  /** Seals `defaults` at rest. */
  readonly sealing: Uint8Array;
  /** For keys that tell clients apart without their addresses; each day has one made of it. */
  readonly clients: Uint8Array;
  /** For what the public log says of things that it does not name: salts of private builds, operators as strangers. */
  readonly log: Uint8Array;
  /** For what nodes carry along to show that it was permitted (permit.ts). */
  readonly permits: Uint8Array;
  /** Signs `sha256sums` of images for clients of 2018. It is no key of a farm: what it signs cannot be an order. */
  readonly usign: UsignKeyPair;
}

/** @throws Error for anything but 64 hex digits: with an empty secret every key would be known to everybody */
export async function serverKeys(serverKey: string): Promise<ServerKeys> {
  if (!isSha256Hex(serverKey)) throw new Error('expected a server key of 64 hex digits');
  const secret = hexToBytes(serverKey);
  const derive = (purpose: string) => new Uint8Array(hexToBytes(hmacSha256Hex(secret, `asu-server-key-1 ${purpose}`)));
  return {
    signing: await signingKey(derive('signing')),
    defaultsMac: derive('defaults-mac'),
    sealing: derive('sealing'),
    clients: derive('clients'),
    log: derive('log'),
    permits: derive('permits'),
    usign: await usignKeyFromSeed(derive('usign')),
  };
}
