import { describe, expect, it, test } from 'vitest';
import { parseSeedRequest, polledHash } from './build-request-fields.ts';

const joined = { distro: 'OpenWrt', version: '18.06.2', target: 'ar71xx/generic', board: 'tl-wdr4300-v1' };

test('the joined dialect writes a target in one piece, the split one in two', () => {
  expect(parseSeedRequest(joined)).toMatchObject({ dialect: 'joined', request: { target: 'ar71xx/generic' } });
  const split = parseSeedRequest({ ...joined, target: 'ar71xx', subtarget: 'generic' });
  expect(split).toMatchObject({ dialect: 'split', target: 'ar71xx', subtarget: 'generic' });
  expect(split.request.target).toBe('ar71xx/generic');
});

describe('packages', () => {
  it.each<[string, unknown, string[]]>([
    ['a list', ['vim', 'luci'], ['vim', 'luci']],
    ['a dict', { vim: '8.1', luci: 'git-19' }, ['vim', 'luci']],
    ['an empty list', [], []],
    ['an empty dict', {}, []],
    ['an empty text', '', []],
    ['null', null, []],
    ['nothing', undefined, []],
  ])('%s: the whole list, or the defaults', (_, packages, names) => {
    const { request } = parseSeedRequest({ ...joined, packages });
    expect([request.packages, request.diff_packages]).toEqual([names, names.length > 0]);
  });

  it('of a dict that is made of words of the language are refused like any others', () => {
    expect(() =>
      parseSeedRequest(JSON.parse(JSON.stringify(joined).replace('}', ',"packages":{"__proto__":"1"}}'))),
    ).toThrow('packages.0: expected a package name');
  });
});

test('fields of others are ignored, and what is absent is empty', () => {
  const asked = parseSeedRequest({ ...joined, board: null, network_profile: 'x', profile: '$(reboot)' });
  expect(asked).toMatchObject({ board: '', model: '', request: { defaults: '', profile: 'generic', client: null } });
});

test('a board has an underscore for each comma', () => {
  expect(parseSeedRequest({ ...joined, board: 'a,b,c' }).board).toBe('a_b_c');
});

test.each<[string, unknown, string | null]>([
  ['a poll', { request_hash: '359a2afe0281' }, '359a2afe0281'],
  ['a poll with a request beside it', { ...joined, request_hash: 'x' }, 'x'],
  ['a request', joined, null],
  ['a request with an empty hash', { ...joined, request_hash: '' }, null],
  ['a request without a hash', { ...joined, request_hash: null }, null],
])('%s', (_, body, hash) => {
  expect(polledHash(body)).toBe(hash);
});
