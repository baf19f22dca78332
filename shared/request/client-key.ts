/**
 * Who asks, without knowing who it is: a key by which one client's requests can be counted together, and which tells nobody
 * an address. Made of the day's own key, so that it cannot be followed from one day to the next, and of what one household
 * or site holds: an IPv4 address, or an IPv6 /56, of which a single machine may use every address as it likes.
 */
import { bytesToHex, hmacSha256Hex } from '../crypto/digest.ts';

const DAY_MS = 24 * 3_600_000;
/** 128 bits tell more clients apart than there are. */
const KEY_DIGITS = 32;
/** `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255` */
const MAX_ADDRESS_CHARACTERS = 45;

/** Of UTC. */
export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);

/** `secret`: used for nothing else. */
export const dailyClientSecret = (secret: Uint8Array, day: number): string => hmacSha256Hex(secret, `day ${day}`);

/** 32 hex digits. */
export const clientKey = (dailySecret: string, network: string): string =>
  hmacSha256Hex(dailySecret, network).slice(0, KEY_DIGITS);

/**
 * The address in a header's value. Of a list (`X-Forwarded-For`) the last one: each proxy adds at the end whom it heard, and
 * what stands before was said by that one itself.
 */
export const addressIn = (header: string): string => header.slice(header.lastIndexOf(',') + 1).trim();

/** One spelling of all that one client may call itself: `4 192.0.2.1`, or `6` and seven bytes in hex. Null: no address. */
export function clientNetwork(address: string): string | null {
  if (address.length > MAX_ADDRESS_CHARACTERS) return null;
  const v4 = parseIpv4(address);
  if (v4) return `4 ${v4.join('.')}`;
  const v6 = parseIpv6(address);
  if (!v6) return null;
  const isMapped = v6.slice(0, 10).every((byte) => byte === 0) && v6[10] === 0xff && v6[11] === 0xff;
  return isMapped ? `4 ${v6.slice(12).join('.')}` : `6 ${bytesToHex(Uint8Array.from(v6.slice(0, 7)))}`;
}

/** `127.…` and `::1`: a proxy on this machine, behind which everybody is, or whoever runs it. */
export const isThisMachine = (network: string): boolean =>
  network.startsWith('4 127.') || network === '6 00000000000000';

/** Four bytes. Without leading zeros, which some read as octal. */
function parseIpv4(text: string): number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return null;
  return parts.map(Number);
}

/** Sixteen bytes, in any spelling of RFC 4291, 2.2; no zone, for which no proxy has a use. */
function parseIpv6(text: string): number[] | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = [ipv6Bytes(halves[0] ?? '', halves.length === 1), ipv6Bytes(halves[1] ?? '', true)];
  if (!head || !tail) return null;
  const missing = 16 - head.length - tail.length;
  // `::` stands for at least one group; without it there must be all of them.
  if (halves.length === 2 ? missing < 2 : missing !== 0) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** The bytes of one side of `::`; its last group may be an IPv4 address where it ends the whole. */
function ipv6Bytes(text: string, isEnd: boolean): number[] | null {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [at, group] of groups.entries()) {
    const v4 = isEnd && at === groups.length - 1 ? parseIpv4(group) : null;
    if (v4) bytes.push(...v4);
    else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else return null;
  }
  return bytes;
}
