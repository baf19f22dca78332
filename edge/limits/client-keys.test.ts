import { afterEach, describe, expect, it, test, vi } from 'vitest';
import { utf8ToBytes } from '../../shared/crypto/digest.ts';
import { clientKey, dailyClientSecret } from '../../shared/request/client-key.ts';
import { ClientKeys } from './client-keys.ts';

const SECRET = utf8ToBytes('a secret');
const NOON = Date.UTC(2026, 10, 24, 12);
const DAY_MS = 86_400_000;
const keys = (header = 'cf-connecting-ip') => new ClientKeys(SECRET, header);
const saying = (address: string, header = 'cf-connecting-ip') => new Headers({ [header]: address });

afterEach(() => vi.restoreAllMocks());

describe('whom a request comes from', () => {
  it('is told by the configured header and by no other', () => {
    const expected = clientKey(dailyClientSecret(SECRET, 20_781), '4 192.0.2.1');
    expect(keys().of(saying('192.0.2.1'), NOON)).toBe(expected);
    expect(keys('x-real-ip').of(saying('192.0.2.1', 'X-Real-IP'), NOON)).toBe(expected);
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect(keys('x-real-ip').of(saying('192.0.2.1'), NOON)).toBeNull();
    expect(keys().of(saying('192.0.2.1', 'x-forwarded-for'), NOON)).toBeNull();
  });

  it('is the one whom the nearest proxy heard, whatever a client put before', () => {
    const forwarded = keys('x-forwarded-for');
    const honest = forwarded.of(saying('192.0.2.1', 'x-forwarded-for'), NOON);
    expect(forwarded.of(saying('203.0.113.9, 192.0.2.1', 'x-forwarded-for'), NOON)).toBe(honest);
  });

  it('is one client for all addresses of an IPv6 /56, and another for the next /56', () => {
    const [one, neighbour, other] = ['2001:db8:1:2300::1', '2001:db8:1:23ff:a:b:c:d', '2001:db8:1:2400::1'].map(
      (address) => keys().of(saying(address), NOON),
    );
    expect([one === neighbour, one === other]).toEqual([true, false]);
  });

  it('is another key the next day', () => {
    const all = keys();
    const [today, later, tomorrow] = [NOON, NOON + 1000, NOON + DAY_MS].map((now) => all.of(saying('192.0.2.1'), now));
    expect([today === later, today === tomorrow]).toEqual([true, false]);
  });
});

test.each([
  ['no such header', new Headers()],
  ['no address in it', saying('unknown')],
])('with %s nobody is told apart; said once, and never with the value', (_, headers) => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const all = keys();
  expect([all.of(headers, NOON), all.of(headers, NOON)]).toEqual([null, null]);
  expect(warn).toHaveBeenCalledTimes(1);
  expect(JSON.stringify(warn.mock.calls)).not.toContain('unknown');
});

test('a proxy on this machine is not the one client of all who come through it', () => {
  const warn = vi.spyOn(console, 'warn');
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) expect(keys().of(saying(address), NOON)).toBeNull();
  expect(warn).not.toHaveBeenCalled();
});

test('with no header configured nobody is told apart, and nothing is said about it', () => {
  const warn = vi.spyOn(console, 'warn');
  expect(keys('').of(saying('192.0.2.1'), NOON)).toBeNull();
  expect(warn).not.toHaveBeenCalled();
});
