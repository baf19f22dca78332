import { describe, expect, it, test } from 'vitest';
import { isPermitted, type Permitted, signPermit } from './permit.ts';

const KEY = new Uint8Array(32).fill(7);
const WHAT: Permitted = ['log', 'node', 'lease'];
const permit = signPermit(KEY, WHAT, 2_000);

// Golden: what an edge of before has permitted is permitted still.
test('the golden permit is the same in both runtimes', () => {
  expect(permit).toBe('2000.b5add4e0a5fe7711cc1775be41145c8e17faa9f0375dbf35f0a18bf9648b943b');
});

test('a permit is good until it expires', () => {
  expect(isPermitted(KEY, WHAT, permit, 0)).toBe(true);
  expect(isPermitted(KEY, WHAT, permit, 1_999)).toBe(true);
  expect(isPermitted(KEY, WHAT, permit, 2_000)).toBe(false);
});

test.each([1, 1_763_000_000_000.9, 999_999_999_999_999])('a permit until %d is one', (expiresAt) => {
  expect(isPermitted(KEY, WHAT, signPermit(KEY, WHAT, expiresAt), Math.floor(expiresAt) - 1)).toBe(true);
  expect(isPermitted(KEY, WHAT, signPermit(KEY, WHAT, expiresAt), Math.floor(expiresAt))).toBe(false);
});

test('a permit is the same in a URL as it is in a header', () => {
  expect(encodeURIComponent(permit)).toBe(permit);
});

describe('a permit is none', () => {
  it.each<[string, Permitted]>([
    ['for another purpose', ['upload', 'node', 'lease']],
    ['for another node', ['log', 'other', 'lease']],
    ['for another lease', ['log', 'node', 'other']],
    ['for less', ['log', 'node']],
    ['for more', ['log', 'node', 'lease', '']],
    ['for what is spelled the same in one piece', ['log', 'nodelease', '']],
    ['for a number in the place of words', ['log', 'node', 1]],
  ])('%s', (_, what) => {
    expect(isPermitted(KEY, what, permit, 0)).toBe(false);
  });

  it('by another key', () => {
    expect(isPermitted(new Uint8Array(32).fill(8), WHAT, permit, 0)).toBe(false);
  });

  it.each([
    ['with more time', permit.replace(/^2/, '3')],
    ['with its time spelled otherwise', `0${permit}`],
    ['in other letters', permit.toUpperCase()],
    ['without its end', permit.slice(0, -1)],
    ['with something behind it', `${permit}0`],
    ['with a line behind it', `${permit}\n`],
    ['with another sign between', permit.replace('.', ':')],
    ['with no MAC', '2000.'],
    ['that ends in thirty thousand years', signPermit(KEY, WHAT, 1e15)],
    ['that never ends', `Infinity${permit.slice(4)}`],
    ['', ''],
  ])('%s', (_, bent) => {
    expect(isPermitted(KEY, WHAT, bent, 0)).toBe(false);
  });
});
