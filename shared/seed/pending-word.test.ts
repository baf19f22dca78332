import { expect, test } from 'vitest';
import { requestEcho } from '../build/build-record.fixture.ts';
import { BuildStep } from '../gen/asu/farm/v1/build_pb.js';
import { pendingWord } from './pending-word.ts';

const live = { requestHash: 'a'.repeat(64), echo: requestEcho(), enqueuedAt: 0, etaSeconds: 60 };
const running = (step: BuildStep) =>
  pendingWord({ ...live, state: 'running', step, bytesDone: 0, bytesTotal: 0, leaseId: null, isPrivate: false });

test('a build that waits is in the queue', () => {
  expect(pendingWord({ ...live, state: 'queued', position: 3, ahead: 3 })).toBe('queue');
});

test.each([
  [BuildStep.UNSPECIFIED, 'initialize'],
  [BuildStep.INIT, 'initialize'],
  [BuildStep.DOWNLOAD_IMAGEBUILDER, 'initialize'],
  [BuildStep.UNPACK_IMAGEBUILDER, 'initialize'],
  [BuildStep.CONTAINER_SETUP, 'initialize'],
  [BuildStep.VALIDATE_REVISION, 'building'],
  [BuildStep.VALIDATE_MANIFEST, 'building'],
  [BuildStep.CALCULATE_PACKAGES_HASH, 'building'],
  [BuildStep.BUILDING_IMAGE, 'building'],
  [BuildStep.SIGNING_IMAGES, 'building'],
  [99 as BuildStep, 'initialize'],
])('a build at step %i is told by one of the words that auc knows', (step, word) => {
  expect(running(step)).toBe(word);
});
