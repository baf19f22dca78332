import { expect, test } from 'vitest';
import { type Interfaces, isInnerAddress } from './inner-address.ts';

/** A machine at home: an address of its router's network, and a public one of IPv6, as everybody in the house has. */
const AT_HOME: Interfaces = {
  lo: [
    { address: '127.0.0.1', cidr: '127.0.0.1/8' },
    { address: '::1', cidr: '::1/128' },
  ],
  eth0: [
    { address: '192.168.1.20', cidr: '192.168.1.20/24' },
    { address: '2a01:e34:1::20', cidr: '2a01:e34:1::20/64' },
    { address: 'fe80::1%eth0', cidr: 'fe80::1/64' },
  ],
  none: undefined,
};
/** In a data centre, with a tunnel that takes everything. */
const HOSTED: Interfaces = {
  eth0: [{ address: '5.9.10.20', cidr: '5.9.10.20/26' }],
  wg0: [
    { address: '9.9.9.2', cidr: '9.9.9.2/0' },
    { address: '2a03::2', cidr: '2a03::2/0' },
  ],
  tun0: [{ address: '8.1.2.3', cidr: null }],
};

test.each<[string, string, Interfaces, boolean]>([
  ['this host', '0.0.0.0', {}, true],
  ['loopback', '127.0.0.1', {}, true],
  ['any loopback', '127.8.9.10', {}, true],
  ['10/8', '10.255.0.1', {}, true],
  ['behind a carrier', '100.64.0.1', {}, true],
  ['before a carrier', '100.128.0.1', {}, false],
  ['link-local, with the keys of a cloud', '169.254.169.254', {}, true],
  ['172.16/12', '172.31.255.255', {}, true],
  ['above 172.16/12', '172.32.0.1', {}, false],
  ['192.168/16', '192.168.0.1', {}, true],
  ['multicast', '239.1.2.3', {}, true],
  ['broadcast', '255.255.255.255', {}, true],
  ['public', '151.101.2.132', AT_HOME, false],
  ['what a translating name server gives for public hosts', '198.18.0.7', {}, false],
  ['loopback of IPv6', '::1', {}, true],
  ['no address', '::', {}, true],
  ['unique local', 'fd12::1', {}, true],
  ['link-local of IPv6', 'fe80::5', {}, true],
  ['link-local with its link', 'fe80::5%eth0', {}, true],
  ['multicast of IPv6', 'ff02::1', {}, true],
  ['site-local of old', 'fec0::1', {}, true],
  ['IPv4 within IPv6, loopback', '::ffff:127.0.0.1', {}, true],
  ['IPv4 within IPv6, in hex', '::ffff:c0a8:101', {}, true],
  ['IPv4 within IPv6, public', '::ffff:151.101.2.132', {}, false],
  ['translated, private', '64:ff9b::10.0.0.1', {}, true],
  ['translated, public, as where there is no IPv4', '64:ff9b::9765:284', {}, false],
  ['translated, no address', '64:ff9b::', {}, true],
  ['6to4 of a private address', '2002:c0a8:101::1', {}, true],
  ['Teredo', '2001:0:1::1', {}, true],
  ['public of IPv6', '2a04:4e42::644', AT_HOME, false],
  ['the router of the house by its public address', '2a01:e34:1::1', AT_HOME, true],
  ['another house', '2a01:e34:1:1::1', AT_HOME, false],
  ['its own public address', '5.9.10.20', HOSTED, true],
  ['a neighbour on its link', '5.9.10.21', HOSTED, true],
  ['behind its link', '5.9.10.129', HOSTED, false],
  ['its own end of a tunnel', '9.9.9.2', HOSTED, true],
  ['public, with a tunnel that takes everything', '151.101.2.132', HOSTED, false],
  ['public of IPv6, with such a tunnel', '2a04:4e42::644', HOSTED, false],
  ['its own, where nobody knows the network', '8.1.2.3', HOSTED, true],
  ['no address at all', 'mirror.example', {}, true],
  ['nothing', '', {}, true],
])('%s (%s)', (_, address, interfaces, isInner) => {
  expect(isInnerAddress(address, interfaces)).toBe(isInner);
});
