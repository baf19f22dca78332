import { describe, expect, it, test } from 'vitest';
import { sha256Hex, utf8ToBytes } from '../crypto/digest.ts';
import { addressIn, clientKey, clientNetwork, dailyClientSecret, dayOf, isThisMachine } from './client-key.ts';

const SECRET = utf8ToBytes('a secret of thirty-two bytes, no');
const today = dailyClientSecret(SECRET, 20_000);

describe('one client', () => {
  it.each<[string, readonly string[], string]>([
    ['by its IPv4 address', ['192.0.2.1'], '4 192.0.2.1'],
    [
      'by its IPv4 address in an IPv6 socket, however that is spelled',
      [
        '::ffff:192.0.2.1',
        '::FFFF:192.0.2.1',
        '::ffff:c000:201',
        '0:0:0:0:0:ffff:192.0.2.1',
        '0000:0000:0000:0000:0000:ffff:c000:0201',
      ],
      '4 192.0.2.1',
    ],
    [
      'by the first 56 bits of its IPv6 address, however they are spelled',
      [
        '2001:db8:1:23ff::1',
        '2001:0db8:0001:23ff:0000:0000:0000:0001',
        '2001:DB8:1:23FF::',
        '2001:db8:1:2300:ffff:ffff:ffff:ffff',
        '2001:db8:1:2300::192.0.2.1',
      ],
      '6 20010db8000123',
    ],
    ['where `::` stands in the middle', ['2001:db8::23ff:0:0:0:1', '2001:db8:0:23ff::1'], '6 20010db8000023'],
    ['where nothing is set', ['::', '0::', '::0', '0:0:0:0:0:0:0:0', '::1', '::192.0.2.1'], '6 00000000000000'],
    ['where `::` stands for a single group', ['1:2:3:0:5:6:7:8', '1:2:3::5:6:7:8'], '6 00010002000300'],
    ['at the ends of what there is', ['255.255.255.255'], '4 255.255.255.255'],
    ['by the longest spelling that there is', ['1111:2222:3333:4444:5555:6666:255.255.255.255'], '6 11112222333344'],
    ['that is nobody', ['0.0.0.0'], '4 0.0.0.0'],
  ])('%s', (_, addresses, network) => {
    for (const address of addresses) expect([address, clientNetwork(address)]).toEqual([address, network]);
  });

  it.each([
    ['192.0.2.1', '192.0.2.2'],
    ['2001:db8:1:2300::1', '2001:db8:1:2400::1'],
    ['2001:db8::1', '2001:db9::1'],
    ['1.2.3.4', '::1.2.3.4'],
    ['1.2.3.4', '::ff:1.2.3.4'],
    ['1.2.3.4', '::ff00:1.2.3.4'],
    ['1.2.3.4', '100::ffff:1.2.3.4'],
    ['1.2.3.4', '::1:ffff:1.2.3.4'],
  ])('is not another: %s, %s', (one, other) => {
    expect(clientNetwork(one)).not.toBe(clientNetwork(other));
  });
});

test.each([
  '',
  ' ',
  'localhost',
  '192.0.2',
  '192.0.2.1.1',
  '192.0.2.256',
  '192.0.2.01',
  '192.0.2.1 ',
  '192.0.2.1\n',
  '192.0.2.1:80',
  '192.0.2.1/24',
  '0x7f.0.0.1',
  '2130706433',
  '１９２.0.2.1',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4::5:6:7:8::9',
  ':1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4::5:6:7:8',
  '1:2:3:4:5:6:7:',
  '2001:db8::g',
  '2001:db8::12345',
  '[2001:db8::1]',
  'fe80::1%eth0',
  '::ffff:192.0.2.256',
  '192.0.2.1::',
  '1:192.0.2.1::',
  '::192.0.2.1:1',
])('%j is no address, and nobody’s', (address) => {
  expect(clientNetwork(address)).toBeNull();
});

test('what is longer than any address is none', () => {
  for (const long of ['x'.repeat(100_000), `${'1:'.repeat(50_000)}1`]) expect(clientNetwork(long)).toBeNull();
});

test.each([
  ['127.0.0.1', true],
  ['127.255.255.254', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['126.255.255.255', false],
  ['128.0.0.1', false],
  ['10.0.0.1', false],
  ['fe80::1', false],
  ['2001:db8::1', false],
])('%s is this machine: %s', (address, is) => {
  expect(isThisMachine(clientNetwork(address) ?? '')).toBe(is);
});

describe('a key', () => {
  it('is 32 hex digits that tell nothing of the address', () => {
    const key = clientKey(today, '4 192.0.2.1');
    expect(key).toMatch(/^[0-9a-f]{32}$/);
    expect(key).not.toBe(sha256Hex('4 192.0.2.1').slice(0, 32));
  });

  it('is another one each day and for each server', () => {
    const secrets = [today, dailyClientSecret(SECRET, 20_001), dailyClientSecret(utf8ToBytes('another'), 20_000)];
    expect(new Set(secrets.map((secret) => clientKey(secret, '4 192.0.2.1'))).size).toBe(3);
  });

  it('is the same in both runtimes', () => {
    expect(clientKey(today, '6 20010db8000000')).toBe('511ac96ff844929d24c4963deb8346f3');
    expect(clientKey(today, '4 192.0.2.1')).toBe('3431dbaac0310f8b2246d0bbc893edff');
  });
});

test.each([
  [0, 0],
  [86_399_999, 0],
  [86_400_000, 1],
  [Date.UTC(2026, 10, 24, 23, 59, 59, 999), 20_781],
  [Date.UTC(2026, 10, 25), 20_782],
])('%d ms is in day %d', (ms, day) => {
  expect(dayOf(ms)).toBe(day);
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  [' 192.0.2.1 ', '192.0.2.1'],
  ['203.0.113.7, 192.0.2.1', '192.0.2.1'],
  [`${'x'.repeat(5_000)}, 192.0.2.1`, '192.0.2.1'],
  ['garbage,,\t2001:db8::1', '2001:db8::1'],
  ['192.0.2.1,', ''],
  ['', ''],
])('the address in %j is %j', (header, address) => {
  expect(addressIn(header)).toBe(address);
});

test('a header without end holds the address that our proxy added: padding it frees nobody from the limit', () => {
  expect(addressIn(`${'203.0.113.7, '.repeat(1000)}192.0.2.1`)).toBe('192.0.2.1');
  expect(clientNetwork(addressIn('9'.repeat(100_000)))).toBeNull();
});
