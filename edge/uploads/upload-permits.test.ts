import { expect, it, test } from 'vitest';
import { LIFETIMES } from '../lifetimes.ts';
import { UploadPermits } from './upload-permits.ts';

const KEY = new Uint8Array(32).fill(7);
const FILE = { name: 'x.bin', sizeBytes: 5, sha256: 'a'.repeat(64) };
const clock = { at: 1_000, now: () => clock.at };
const permits = new UploadPermits(KEY, clock);
const permit = permits.give('node', 'lease', FILE);

test('a permit is good in every isolate, for a while', () => {
  const elsewhere = new UploadPermits(KEY, { now: () => clock.at + LIFETIMES.grantMs - 1 });
  expect(elsewhere.has('node', 'lease', FILE, permit)).toBe(true);
  const later = new UploadPermits(KEY, { now: () => clock.at + LIFETIMES.grantMs });
  expect(later.has('node', 'lease', FILE, permit)).toBe(false);
});

it.each([
  ['another node', 'other', 'lease', {}],
  ['another lease', 'node', 'other', {}],
  ['another name', 'node', 'lease', { name: 'y.bin' }],
  ['another size', 'node', 'lease', { sizeBytes: 6 }],
  ['other bytes', 'node', 'lease', { sha256: 'b'.repeat(64) }],
])('a permit is none for %s', (_, node, lease, bent) => {
  expect(permits.has(node, lease, { ...FILE, ...bent }, permit)).toBe(false);
});

it.each(['', 'x', `${permit}0`, `9${permit}`])('%j is no permit', (bent) => {
  expect(permits.has('node', 'lease', FILE, bent)).toBe(false);
});
