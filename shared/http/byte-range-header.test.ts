import { expect, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { requestedRange } from './byte-range-header.ts';

const whole = { kind: 'whole' };
const none = { kind: 'unsatisfiable' };
const part = (offset: number, length: number) => ({ kind: 'part', offset, length });

test.each([
  [undefined, 100, whole],
  ['', 100, whole],
  ['bytes=0-', 100, part(0, 100)],
  ['bytes=0-0', 100, part(0, 1)],
  ['bytes=10-19', 100, part(10, 10)],
  ['bytes=99-', 100, part(99, 1)],
  ['bytes=99-1000', 100, part(99, 1)],
  ['bytes=-1', 100, part(99, 1)],
  ['bytes=-100', 100, part(0, 100)],
  ['bytes=-1000', 100, part(0, 100)],
  [' bytes=1-2 ', 100, part(1, 2)],
  ['Bytes=1-2', 100, part(1, 2)],
  ['bytes=100-', 100, none],
  ['bytes=100-200', 100, none],
  ['bytes=999999999999999-', 100, none],
  ['bytes=-0', 100, none],
  ['bytes=0-', 0, none],
  ['bytes=-5', 0, none],
  ['bytes=5-4', 100, whole],
  ['bytes=200-100', 100, whole],
  ['bytes=-', 100, whole],
  ['bytes=0-1,5-6', 100, whole],
  ['bytes=a-b', 100, whole],
  ['bytes=--1', 100, whole],
  ['bytes=1.5-2', 100, whole],
  ['bytes=0x1-2', 100, whole],
  ['bytes 0-1', 100, whole],
  ['items=0-1', 100, whole],
  [`bytes=0-${'9'.repeat(15)}`, 100, part(0, 100)],
  [`bytes=0-${'9'.repeat(16)}`, 100, whole],
  [`bytes=${'0'.repeat(15)}-`, 100, part(0, 100)],
  [`bytes=${'0'.repeat(16)}-`, 100, whole],
  ['x bytes=0-1', 100, whole],
  ['bytes=0-1 x', 100, whole],
  ['bytes=5-5', 100, part(5, 1)],
  ['bytes=98-99', 100, part(98, 2)],
  ['bytes=0-100', 100, part(0, 100)],
])('%j of %i bytes', (header, sizeBytes, range) => {
  expect(requestedRange(header, sizeBytes)).toEqual(range);
});

test('a part is never empty and never outside', () => {
  const number = fc.oneof(fc.constant(''), fc.nat(200).map(String));
  fc.assert(
    fc.property(number, number, fc.nat(150), (first, last, sizeBytes) => {
      const range = requestedRange(`bytes=${first}-${last}`, sizeBytes);
      if (range.kind !== 'part') return;
      expect(range.length).toBeGreaterThan(0);
      expect(range.offset).toBeGreaterThanOrEqual(0);
      expect(range.offset + range.length).toBeLessThanOrEqual(sizeBytes);
    }),
  );
});
