/**
 * Is an address this machine's own, or one of the networks that it stands in? A node lives in somebody's home: what a mirror may not
 * have it fetch from is told by the address alone, whatever name led there.
 */
import { BlockList, isIP, isIPv6 } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';

export type Interfaces = NodeJS.Dict<readonly Pick<NetworkInterfaceInfo, 'address' | 'cidr'>[]>;

/** RFC 6890, without 198.18.0.0/15: what translates names for whole networks gives out those for public hosts. */
const INNER_4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['224.0.0.0', 3],
] as const;
/** Of the one part of IPv6 that is public (RFC 4291, 2.4), what holds an address of IPv4 within: Teredo and 6to4. */
const INNER_6 = [
  ['2001::', 32],
  ['2002::', 16],
] as const;
/** Shorter ones are no link: a tunnel that takes everything would leave nothing outside. */
const SHORTEST_LINK = { ipv4: 16, ipv6: 48 } as const;

const always = new BlockList();
for (const [network, prefix] of INNER_4) always.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of INNER_6) always.addSubnet(network, prefix, 'ipv6');

const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');
const translated = new BlockList();
translated.addSubnet('64:ff9b::', 96, 'ipv6');
translated.addSubnet('::ffff:0:0', 96, 'ipv6');

/** `interfaces`: of this machine. What is no address is inner: nobody knows where it leads. */
export function isInnerAddress(address: string, interfaces: Interfaces): boolean {
  const [bare = ''] = address.split('%');
  if (isIP(bare) === 0) return true;
  if (isIPv6(bare) && translated.check(bare, 'ipv6')) return isInnerAddress(lastFourBytes(bare), interfaces);
  const family = isIPv6(bare) ? 'ipv6' : 'ipv4';
  if (family === 'ipv6' && !global6.check(bare, 'ipv6')) return true;
  return always.check(bare, family) || linksOf(interfaces).check(bare, family);
}

function linksOf(interfaces: Interfaces): BlockList {
  const links = new BlockList();
  for (const { address, cidr } of Object.values(interfaces).flatMap((rows) => rows ?? [])) {
    const [bare = ''] = address.split('%');
    const family = isIPv6(bare) ? 'ipv6' : 'ipv4';
    const prefix = Number(cidr?.split('/')[1]);
    links.addAddress(bare, family);
    if (prefix >= SHORTEST_LINK[family]) links.addSubnet(bare, prefix, family);
  }
  return links;
}

/** As the URL parser writes it: all of it in groups, whatever way it was written. */
function lastFourBytes(address: string): string {
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split(':');
  const [high = 0, low = 0] = groups.slice(-2).map((group) => Number.parseInt(group || '0', 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
