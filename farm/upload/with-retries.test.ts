import { Code, ConnectError } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { isAwayStatus, StoreAway, UploadError, withRetries } from './with-retries.ts';

test.each([
  [400, 'counts', false],
  [500, 'counts', false],
  [502, 'is waited out', true],
  [503, 'is waited out', true],
  [504, 'is waited out', true],
  [522, 'is waited out', true],
])('a PUT that is answered %i %s', (status, _, isAway) => {
  expect(isAwayStatus(status)).toBe(isAway);
});

const over = { signal: AbortSignal.abort() };

test.each([
  ['a fault of the edge', new Error('PUT /x: status 500'), UploadError, { kind: 'upload_failed' }],
  [
    'a grant that is gone',
    new ConnectError('the lease is over', Code.FailedPrecondition),
    UploadError,
    { kind: 'upload_failed' },
  ],
  [
    'files that it never takes',
    new ConnectError('too large', Code.InvalidArgument),
    UploadError,
    { kind: 'build_failed' },
  ],
] as const)('where time is over, %s ends the upload', async (_, thrown, type, expected) => {
  const work = () => Promise.reject(thrown);
  const ended = await withRetries('a.bin', over, work).catch((error: unknown) => error);
  expect(ended).toBeInstanceOf(type);
  expect(ended).toMatchObject(expected);
});

test('what passes is tried again, and its result is the result', async () => {
  const failures = [new StoreAway('no store'), new Error('the line broke')];
  const work = async () => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    return 'complete';
  };
  expect(await withRetries('a.bin', { signal: new AbortController().signal }, work)).toBe('complete');
});
