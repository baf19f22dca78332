import { expect, test } from 'vitest';
import { LIFETIMES } from './lifetimes.ts';
import { RememberedGrants } from './remembered-grants.ts';

const FILE = { name: 'x.bin', sizeBytes: 5, sha256: 'a'.repeat(64) };

function grants() {
  let now = 1;
  const remembered = new RememberedGrants({ now: () => now });
  return {
    remembered,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test('a grant is given once, to the node and for the file it was given for', () => {
  const { remembered } = grants();
  remembered.remember('a', 'lease', { ...FILE, state: 'open' } as typeof FILE);
  expect(remembered.take('b', 'lease', 'x.bin')).toBeNull();
  expect(remembered.take('a', 'other', 'x.bin')).toBeNull();
  expect(remembered.take('a', 'lease', 'y.bin')).toBeNull();
  expect(remembered.take('a', 'lease', 'x.bin')).toEqual(FILE);
  expect(remembered.take('a', 'lease', 'x.bin')).toBeNull();
});

test('a grant is soon forgotten, whoever asks for it meanwhile', () => {
  const { remembered, pass } = grants();
  remembered.remember('a', 'lease', FILE);
  pass(LIFETIMES.grantMs - 1);
  expect(remembered.take('b', 'lease', 'x.bin')).toBeNull();
  pass(2);
  expect(remembered.take('a', 'lease', 'x.bin')).toBeNull();
});

test('of too many, those that were given first are forgotten', () => {
  const { remembered } = grants();
  for (let n = 0; n <= 4_096; n += 1) remembered.remember('a', 'lease', { ...FILE, name: `x${n}` });
  expect(remembered.take('a', 'lease', 'x0')).toBeNull();
  expect(remembered.take('a', 'lease', 'x1')).not.toBeNull();
});
