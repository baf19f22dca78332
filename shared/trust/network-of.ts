/**
 * From which network a node calls, as far as a quorum has to know it: the autonomous system where whoever stands before this
 * server tells it, else the stretch of addresses that one organisation typically holds. A machine is rented by the hour, and a
 * hundred of them in one rack under a hundred names would still be one stranger.
 */
import { clientNetwork, isThisMachine } from '../request/client-key.ts';

/** Where nobody tells the address, or it is this machine's own: it is distinct from nothing. */
export const UNKNOWN_NETWORK = '';

const MAX_ASN = 4_294_967_294;
/** As digits of hex: a /32. */
const IPV6_PREFIX_DIGITS = 8;

/** `AS64500`, `4 192.0` (a /16) or `6 20010db8` (a /32); empty where it is not known. `asn`: as `request.cf` has it. */
export function networkOf(address: string, asn?: unknown): string {
  if (typeof asn === 'number' && Number.isInteger(asn) && asn > 0 && asn <= MAX_ASN) return `AS${asn}`;
  const network = clientNetwork(address);
  if (network === null || isThisMachine(network)) return UNKNOWN_NETWORK;
  if (network.startsWith('6 ')) return network.slice(0, 2 + IPV6_PREFIX_DIGITS);
  return network.split('.').slice(0, 2).join('.');
}
