import { expect, test } from 'vitest';
import { isNewerRevision, revisionNumber } from './revision-order.ts';

test.each([
  ['r7258-5eb055306f', 7258],
  ['r7258+2-5eb055306f', 7258],
  ['r0-dd7a7a5a', 0],
  ['r28427', 28_427],
  ['r7258+12', 7258],
  ['r123456789-5eb', 123_456_789],
  ['r1234567890-5eb', null],
  ['r1+123456789-5eb', 1],
  ['r1+1234567890-5eb', null],
  ['r1+-5eb', null],
  ['r1+x-5eb', null],
  ['r7258_5eb', null],
  ['r\u0663-5eb', null],
  ['28427', null],
  ['', null],
  ['unknown', null],
  ['r-5eb055306f', null],
  ['r1x-5eb', null],
  ['xr1-5eb', null],
  [`r${'9'.repeat(20)}-5eb`, null],
])('the number of the revision %j is %j', (revision, number) => {
  expect(revisionNumber(revision)).toBe(number);
});

test.each([
  ['r28427-a', 'r28426-b', true],
  ['r28427-a', 'r28427-b', false],
  ['r9999-a', 'r28427-b', false],
  ['r28427-a', '', false],
  ['r28427-a', 'unknown', false],
  ['', 'r28427-a', false],
])('%j is newer than %j: %j', (revision, than, isNewer) => {
  expect(isNewerRevision(revision, than)).toBe(isNewer);
});
