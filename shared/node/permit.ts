/**
 * A yes of the edge that its holder carries along, so that an isolate of the edge which has not heard it need not ask the one Foreman
 * again. What is permitted is not written in it: who looks at it puts that together anew, from the call itself, and the MAC fits or
 * does not. So a permit for one thing is none for another, and nothing in it can be bent.
 */
import { hmacSha256Hex } from '../crypto/digest.ts';
import { equalSecrets } from '../crypto/equal-secrets.ts';
import { type CanonicalField, canonical } from '../request/canonical.ts';

/** What for, and then whatever it is bound to. */
export type Permitted = readonly [purpose: string, ...CanonicalField[]];

/** `expiresAt`: milliseconds since 1970. ASCII that needs no escaping in a URL or a header. */
export const signPermit = (key: Uint8Array, what: Permitted, expiresAt: number): string =>
  `${Math.floor(expiresAt)}.${macOf(key, what, Math.floor(expiresAt))}`;

/** False as well for what is no permit at all. */
export function isPermitted(key: Uint8Array, what: Permitted, permit: string, now: number): boolean {
  const [, expiry = '', mac = ''] = /^([1-9]\d{0,14})\.([0-9a-f]{64})$/.exec(permit) ?? [];
  const expiresAt = Number(expiry);
  return now < expiresAt && equalSecrets(mac, macOf(key, what, expiresAt));
}

const macOf = (key: Uint8Array, what: Permitted, expiresAt: number): string =>
  hmacSha256Hex(key, canonical(['asu-permit-1', ...what, expiresAt]));
