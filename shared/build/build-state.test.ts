import { describe, expect, it, test } from 'vitest';
import { BuildStep } from '../gen/asu/farm/v1/build_pb.js';
import { requestEcho } from './build-record.fixture.ts';
import { pendingBody, stepWord, timestamp } from './build-state.ts';

/** All that LuCI knows; another word freezes its dialog. */
const LUCI_WORDS = [
  'init',
  'container_setup',
  'validate_revision',
  'validate_manifest',
  'calculate_packages_hash',
  'building_image',
  'signing_images',
  'download_imagebuilder',
  'unpack_imagebuilder',
];

const steps = Object.values(BuildStep).filter((step): step is BuildStep => typeof step === 'number');
const live = { requestHash: 'a'.repeat(64), echo: requestEcho(), enqueuedAt: 1_763_000_000_123, etaSeconds: 42 };
const running = {
  ...live,
  state: 'running',
  step: BuildStep.BUILDING_IMAGE,
  bytesDone: 0,
  bytesTotal: 0,
  leaseId: 'a-lease',
  isPrivate: false,
} as const;

test('a queued build tells its position', () => {
  expect(pendingBody({ ...live, state: 'queued', position: 0, ahead: 0 })).toEqual({
    status: 202,
    detail: 'queued',
    imagebuilder_status: 'queued',
    queue_position: 0,
    request_hash: 'a'.repeat(64),
    enqueued_at: '2025-11-13T02:13:20.123000Z',
    eta_seconds: 42,
    request: requestEcho(),
  });
});

test('a started build has no key queue_position at all', () => {
  expect(pendingBody(running)).toEqual({
    status: 202,
    detail: 'started',
    imagebuilder_status: 'building_image',
    request_hash: 'a'.repeat(64),
    enqueued_at: '2025-11-13T02:13:20.123000Z',
    eta_seconds: 42,
    request: requestEcho(),
  });
});

test('a transfer is shown while there is one', () => {
  expect(pendingBody({ ...running, bytesDone: 3, bytesTotal: 10 })).toMatchObject({
    progress: { bytes: 3, total: 10 },
  });
  expect('progress' in pendingBody({ ...running, bytesDone: 3 })).toBe(false);
});

describe('a step', () => {
  it.each(steps)('%i is spelled in a word that LuCI knows, without a position', (step) => {
    const body = pendingBody({ ...running, step });
    expect(LUCI_WORDS).toContain(body.imagebuilder_status);
    expect('queue_position' in body).toBe(false);
  });

  it('each has a word of its own', () => {
    const words = steps.filter((step) => step !== BuildStep.UNSPECIFIED).map(stepWord);
    expect([...words].sort()).toEqual([...LUCI_WORDS].sort());
  });

  it('that only a newer node knows is told as the first', () => {
    expect(stepWord(99 as BuildStep)).toBe('init');
  });
});

test.each([
  [0, '1970-01-01T00:00:00.000000Z'],
  [1_763_000_000_007, '2025-11-13T02:13:20.007000Z'],
])('%i ms is written %s', (ms, text) => {
  expect(timestamp(ms)).toBe(text);
});
