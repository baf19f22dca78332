import { expect, test } from 'vitest';
import { networkOf } from './network-of.ts';

test.each<[string, string, unknown, string]>([
  ['an IPv4 address', '192.0.2.1', undefined, '4 192.0'],
  ['another one of the same /16', '192.0.255.9', undefined, '4 192.0'],
  ['one of the next /16', '192.1.2.1', undefined, '4 192.1'],
  ['an IPv6 address', '2001:db8:1::1', undefined, '6 20010db8'],
  ['another one of the same /32', '2001:0DB8:ffff::', undefined, '6 20010db8'],
  ['an IPv4 address in the spelling of IPv6', '::ffff:192.0.2.1', undefined, '4 192.0'],
  ['an autonomous system, whatever the address', '192.0.2.1', 64_500, 'AS64500'],
  ['an autonomous system of no number', '192.0.2.1', '64500', '4 192.0'],
  ['the last autonomous system', '192.0.2.1', 4_294_967_294, 'AS4294967294'],
  ['the number behind it, which is reserved', '192.0.2.1', 4_294_967_295, '4 192.0'],
  ['an autonomous system that there cannot be', '192.0.2.1', 2 ** 32, '4 192.0'],
  ['half an autonomous system', '192.0.2.1', 1.5, '4 192.0'],
  ['system 0, which is nobody’s', '192.0.2.1', 0, '4 192.0'],
  ['this machine', '127.0.0.1', undefined, ''],
  ['this machine by IPv6', '::1', undefined, ''],
  ['no address', '', undefined, ''],
  ['something else', 'node.example', undefined, ''],
])('%s', (_, address, asn, network) => {
  expect(networkOf(address, asn)).toBe(network);
});
