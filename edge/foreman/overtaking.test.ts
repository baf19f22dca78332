import { expect, test } from 'vitest';
import { Overtaking } from './overtaking.ts';

const MINUTE = 60_000;

function seen({ came, started }: { readonly came: number; readonly started: number }, now = 0): Overtaking {
  const overtaking = new Overtaking();
  for (let n = 0; n < came; n += 1) overtaking.came(now);
  for (let n = 0; n < started; n += 1) overtaking.started(now);
  return overtaking;
}

test.each([
  { came: 0, started: 100, share: 0 },
  { came: 25, started: 100, share: 0.25 },
  { came: 500, started: 100, share: 1 },
  { came: 10, started: 19, share: 0 },
  { came: 10, started: 20, share: 0.5 },
])('of $started that started while $came came the share is $share', ({ share, ...numbers }) => {
  expect(seen(numbers).share(0)).toBe(share);
});

test('what was minutes ago says nothing any more', () => {
  const overtaking = seen({ came: 50, started: 100 });
  expect(overtaking.share(4 * MINUTE)).toBe(0.5);
  expect(overtaking.share(5 * MINUTE)).toBe(0);
});

test('minutes are added up, also after a quiet time', () => {
  const overtaking = seen({ came: 50, started: 100 });
  for (let n = 0; n < 100; n += 1) overtaking.started(3 * MINUTE);
  expect(overtaking.share(3 * MINUTE)).toBe(0.25);
  expect(overtaking.share(5 * MINUTE)).toBe(0);
  overtaking.came(99 * MINUTE);
  expect(overtaking.share(99 * MINUTE)).toBe(0);
});
