import { describe, expect, it, test } from 'vitest';
import { defaultsHash, isShortRequestHash, manifestHash, packagesHash, shortRequestHash } from './hashes.ts';

const asked = {
  distro: 'openwrt',
  version: '18.06.2',
  target: 'ar71xx/generic',
  board: 'tl-wdr4300-v1',
  defaultsHash: '',
  packages: ['vim', 'luci'],
};

test.each([
  ['of openwrt 18.06.2 ar71xx/generic tl-wdr4300-v1 with vim and luci', {}, '359a2afe0281'],
  ['of OpenWrt, as it was written', { distro: 'OpenWrt' }, '81e87bd71d4b'],
  ['without packages', { packages: [] }, 'f89ac21148ec'],
  ['with packages in another order and twice', { packages: ['luci', 'vim', 'luci'] }, '359a2afe0281'],
])('the known request hash %s', (_, changed, hash) => {
  expect(shortRequestHash({ ...asked, ...changed })).toBe(hash);
});

describe('a request hash', () => {
  it('reads a comma of the board as an underscore', () => {
    expect(shortRequestHash({ ...asked, board: 'tplink,tl-wdr4300-v1' })).toBe(
      shortRequestHash({ ...asked, board: 'tplink_tl-wdr4300-v1' }),
    );
  });

  it('reads each comma of the board so', () => {
    expect(shortRequestHash({ ...asked, board: 'a,b,c' })).toBe(shortRequestHash({ ...asked, board: 'a_b_c' }));
  });

  it('of the split dialect is another one: target and subtarget are two fields', () => {
    const split = shortRequestHash({ ...asked, target: 'ar71xx', subtarget: 'generic' });
    expect(split).not.toBe(shortRequestHash(asked));
    // sha256 of `openwrt 18.06.2 ar71xx generic tl-wdr4300-v1  ed806c8a99c0`
    expect(split).toBe('3ab6d0821cdf');
  });

  it('tells two first-boot scripts apart', () => {
    expect(shortRequestHash({ ...asked, defaultsHash: 'a' })).not.toBe(shortRequestHash(asked));
  });

  it('is 12 hex digits and nothing else', () => {
    const given = ['359a2afe0281', '359a2afe028', '359a2afe02811', '359A2AFE0281', '359a2afe0281\n', ''];
    expect(given.map(isShortRequestHash)).toEqual([true, false, false, false, false, false]);
  });
});

test('the known packages hash of vim and luci', () => {
  expect([packagesHash(['vim', 'luci']), packagesHash([])]).toEqual(['ed806c8a99c0', '']);
});

test('a defaults hash cannot be computed without the key, and nothing has none', () => {
  const [one, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const hash = defaultsHash(one, 'passwd root');
  expect(hash).toMatch(/^[0-9a-f]{32}$/);
  expect(hash).not.toBe(defaultsHash(other, 'passwd root'));
  // A plain sha256.
  expect(hash).not.toBe('8a046637def20dd0e2daf49eed2e7c2e');
  expect(defaultsHash(one, '')).toBe('');
});

test('a manifest hash is that of the manifest as the ImageBuilder writes it', () => {
  // sha256 of `base-files - 1553\nluci - 25.1\n`
  expect(manifestHash({ luci: '25.1', 'base-files': '1553' })).toBe('375d694bba1a647');
});
