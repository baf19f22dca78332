import { describe, expect, it, test } from 'vitest';
import { parseSeedRequest } from './build-request-fields.ts';
import { requestName } from './request-name.ts';

const key = new Uint8Array(32).fill(3);
const asked = {
  distro: 'openwrt',
  version: '18.06.2',
  target: 'ar71xx/generic',
  board: 'tl-wdr4300-v1',
  packages: ['vim', 'luci'],
};
const of = (changed: object = {}, by = key) => requestName(parseSeedRequest({ ...asked, ...changed }), by);

test('the name is the known one', () => {
  expect(of().name).toBe('359a2afe0281');
  // By it names that were given out are known again.
  expect(of().identity).toBe('588237e5a50612bfa57e84b14cc59cef7bc79bd7e39070795b3a721d7d1e41db');
});

describe('an identity', () => {
  it.each([
    ['the distribution as it is written', { distro: 'OpenWrt' }],
    ['the version', { version: '18.06.1' }],
    ['the target', { target: 'ar71xx/nand' }],
    ['the dialect', { target: 'ar71xx', subtarget: 'generic' }],
    ['the board', { board: 'tl-wdr3600-v1' }],
    ['the model', { model: 'TP-Link TL-WDR4300 v1' }],
    ['the packages', { packages: ['vim'] }],
    ['the first-boot script', { defaults: 'echo' }],
  ])('is of %s', (_, changed) => {
    expect(of(changed).identity).not.toBe(of().identity);
  });

  it('is of the subtarget, where that is told beside the target', () => {
    const [one, other] = ['generic', 'nand'].map((subtarget) => of({ target: 'ar71xx', subtarget }).identity);
    expect(one).not.toBe(other);
  });

  it('is none of the order of packages, nor of how they are listed', () => {
    expect(of({ packages: { luci: '1', vim: '2' } })).toEqual(of());
    expect(of({ packages: ['luci', 'vim', 'luci'] })).toEqual(of());
  });

  it('and the name of a private image tell nothing of its script without the key', () => {
    const [one, other] = [of({ defaults: 'echo' }), of({ defaults: 'echo' }, new Uint8Array(32).fill(4))];
    expect(one.name).not.toBe(other.name);
    expect(one.identity).not.toBe(other.identity);
  });
});

test('the model is not in the name: two requests have one name, and two identities', () => {
  const [one, other] = [of(), of({ model: 'another' })];
  expect([one.name === other.name, one.identity === other.identity]).toEqual([true, false]);
});
