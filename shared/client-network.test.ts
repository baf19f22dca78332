import { expect, test } from 'vitest';
import { clientNetwork } from './client-network.ts';

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['255.255.255.255', '255.255.255.255'],
  ['2001:db8:1234:5678:9abc:def0:1234:5678', '20010db8123456/56'],
  ['2001:DB8:1234:56FF::1', '20010db8123456/56'],
  ['2001:db8:1234:5600::', '20010db8123456/56'],
  ['2001:db8::1', '20010db8000000/56'],
  ['::1', '00000000000000/56'],
  ['::', '00000000000000/56'],
  ['1:2:3:4:5:6:7::', '00010002000300/56'],
  ['fe80::1:2:3:4', 'fe800000000000/56'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:192.0.2.1', '192.0.2.1'],
])('%s belongs to %s', (address, network) => {
  expect(clientNetwork(address)).toBe(network);
});

test('neighbours behind one household’s prefix are one client, those behind another are not', () => {
  expect(clientNetwork('2001:db8:1234:5601::1')).toBe(clientNetwork('2001:db8:1234:56ff:ffff::2'));
  expect(clientNetwork('2001:db8:1234:5700::1')).not.toBe(clientNetwork('2001:db8:1234:5600::1'));
});

test.each([
  '',
  'unknown',
  '192.0.2',
  '192.0.2.256',
  '192.0.2.1\n',
  '192.0.2.1, 198.51.100.1',
  '1:2:3',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  '1::2::3',
  ':::',
  '12345::',
  'g::1',
  '::ffff:999.0.0.1',
  '::ffff:',
  '[::1]',
])('%j is no address', (address) => {
  expect(clientNetwork(address)).toBe('');
});
