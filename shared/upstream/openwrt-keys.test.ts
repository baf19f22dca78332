import { describe, expect, it } from 'vitest';
import { parseUsignPublicKey } from '../crypto/usign.ts';
import { OPENWRT_USIGN_KEYS, openwrtKeysFor } from './openwrt-keys.ts';

describe("OpenWrt's keys", () => {
  it.each(OPENWRT_USIGN_KEYS)('of $branch carries the id that is written beside it', ({ keyId, key }) => {
    expect(parseUsignPublicKey(key).keyId).toBe(keyId);
  });

  it('sign their own branch and no other', () => {
    const signers = (version: string) => openwrtKeysFor(version).map((key) => key.branch);
    expect(signers('24.10.2')).toEqual(['24.10']);
    expect(signers('24.10.0-rc1')).toEqual(['24.10']);
    expect(signers('24.10-SNAPSHOT')).toEqual(['24.10', 'SNAPSHOT']);
    expect(signers('SNAPSHOT')).toEqual(['SNAPSHOT']);
    expect(signers('23.05.5')).toEqual([]);
    expect(signers('25.12.5')).toEqual([]);
    expect(signers('../24.10.2')).toEqual([]);
  });
});
