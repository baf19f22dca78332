import { describe, expect, it } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { seal, unseal } from './seal.ts';

const key = new Uint8Array(32).fill(7);
const nonce = new Uint8Array(12).fill(9);
const secret = 'hunter2 ü€😀';

describe('a sealed text', () => {
  it('comes back whole under its key and context', async () => {
    expect(await unseal(key, 'build', await seal(key, 'build', secret, nonce))).toBe(secret);
    expect(await unseal(key, '', await seal(key, '', '', nonce))).toBe('');
  });

  it('shows nothing of itself', async () => {
    const sealed = await seal(key, 'build', 'hunter2', nonce);
    expect(new TextDecoder('latin1').decode(sealed)).not.toContain('hunter2');
  });

  it('is another one under another nonce', async () => {
    const other = await seal(key, 'build', secret, new Uint8Array(12).fill(8));
    expect(other.slice(12)).not.toEqual((await seal(key, 'build', secret, nonce)).slice(12));
  });

  it.each<[string, (sealed: Uint8Array) => [Uint8Array, string, Uint8Array]]>([
    ['of another build', (sealed) => [key, 'other', sealed]],
    ['under another key', (sealed) => [new Uint8Array(32).fill(8), 'build', sealed]],
    ['that is truncated', (sealed) => [key, 'build', sealed.slice(0, -1)]],
    ['that is longer', (sealed) => [key, 'build', Uint8Array.from([...sealed, 0])]],
    ['that is but a nonce', (sealed) => [key, 'build', sealed.slice(0, 12)]],
    ['that is nothing', () => [key, 'build', new Uint8Array()]],
  ])('%s does not open', async (_, tamper) => {
    const [withKey, context, bytes] = tamper(await seal(key, 'build', secret, nonce));
    await expect(unseal(withKey, context, bytes)).rejects.toThrow();
  });

  it('with any bit changed does not open', async () => {
    const sealed = await seal(key, 'build', secret, nonce);
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length - 1), fc.nat(7), async (at, bit) => {
        const changed = sealed.map((byte, index) => (index === at ? byte ^ (1 << bit) : byte));
        await expect(unseal(key, 'build', changed)).rejects.toThrow();
      }),
      { numRuns: 50 },
    );
  });
});
