import { describe, expect, it, test } from 'vitest';
import { sha256Hex } from '../crypto/digest.ts';
import { signingKey } from '../crypto/ed25519.ts';
import { CALL_HEADERS, EDGE_TIME_HEADER, faultOfCall, type SignedCall, signCall } from './call-signature.ts';

const now = 1_763_000_000_000;
const node = await signingKey(new Uint8Array(32).fill(3));
const other = await signingKey(new Uint8Array(32).fill(4));
const call: SignedCall = {
  method: 'POST',
  audience: 'a'.repeat(64),
  path: '/asu.farm.v1.ForemanService/Lease',
  bodySha256: sha256Hex('body'),
  timeMs: now,
};
const signature = await signCall(node, call);
const NOT_SIGNED = 'the call is not signed by the key of its certificate';

// Golden: nodes of another version sign exactly this. Never change it; a new form gets a new name in its first field.
test('the golden call has its golden signature, in both runtimes', () => {
  expect(signature).toBe('MllMk04ky9BATOa9pyDtH3zlMlNuT97hkW2AhVHLVxC6HRbT2fMg6x6ldmTbqbgIAMNGN2Fx6S7uY9KeMHorAQ');
});

test('nodes of another version know these headers', () => {
  expect([...Object.values(CALL_HEADERS), EDGE_TIME_HEADER]).toEqual([
    'asu-node-certificate',
    'asu-node-time',
    'asu-body-sha256',
    'asu-node-signature',
    'asu-edge-time',
  ]);
});

test.each([0, -60_000, 60_000])('a call signed %i ms off the clock is good', async (offMs) => {
  expect(await faultOfCall(node.publicKey, call, signature, now - offMs)).toBeNull();
});

describe('a signed call is refused', () => {
  it.each<[string, Partial<SignedCall>]>([
    ['with another method', { method: 'PUT' }],
    ['at another edge', { audience: 'b'.repeat(64) }],
    ['on another path', { path: '/asu.farm.v1.ForemanService/Report' }],
    ['with a query more', { path: `${call.path}?x` }],
    ['with another body', { bodySha256: sha256Hex('bodx') }],
    ['at another time', { timeMs: now + 1 }],
    ['with letters moved between fields', { method: 'POSTa', audience: 'a'.repeat(63) }],
  ])('%s', async (_, change) => {
    expect(await faultOfCall(node.publicKey, { ...call, ...change }, signature, now)).toBe(NOT_SIGNED);
  });

  it.each<[string, string | Promise<string>]>([
    ['another node’s', signCall(other, call)],
    ['truncated', signature.slice(0, -2)],
    ['not base64url', `${signature}==`],
    ['empty', ''],
  ])('with a signature that is %s', async (_, text) => {
    expect(await faultOfCall(node.publicKey, call, await text, now)).toBe(NOT_SIGNED);
  });

  it.each([
    ['fast', 60_001, '60 s off'],
    ['slow', -60_001, '-60 s off'],
    ['an hour fast', 3_600_000, '3600 s off'],
    ['at the epoch', -now, 's off'],
    ['not a time at all', Number.NaN, 'NaN s off'],
    ['without end', Number.POSITIVE_INFINITY, 's off'],
  ])('by a clock that is %s, saying what the time is', async (_, offMs, said) => {
    const timeMs = now + offMs;
    const fault = await faultOfCall(
      node.publicKey,
      { ...call, timeMs },
      await signCall(node, { ...call, timeMs }),
      now,
    );
    expect(fault).toContain(said);
    expect(fault).toContain('2025-11-13T02:13:20.000Z');
  });
});
