import { describe, expect, it, test } from 'vitest';
import { requestEcho } from '../../shared/build-record.fixture.ts';
import { PendingBuilds, type PendingStatus, pendingMs } from './pending-builds.ts';

const live = { requestHash: 'a'.repeat(64), echo: requestEcho(), enqueuedAt: 0 };
const queued = (position: number, etaSeconds: number): PendingStatus => ({
  ...live,
  state: 'queued',
  position,
  ahead: position,
  etaSeconds,
});
const running = (step: number): PendingStatus => ({
  ...live,
  state: 'running',
  step,
  bytesDone: 0,
  bytesTotal: 0,
  leaseId: 'a-lease',
  isPrivate: false,
  etaSeconds: 600,
});

test.each([
  ['that runs, however long it takes yet', running(2), 1_000],
  ['that is next in line', queued(0, 3_600), 1_000],
  ['that waits a minute', queued(3, 60), 3_000],
  ['that waits for moments', queued(1, 5), 1_000],
  ['that waits for hours', queued(900, 36_000), 60_000],
])('what is said of a build %s stands for %s ms', (_, status, ms) => {
  expect(pendingMs(status)).toBe(ms);
});

describe('builds to be asked for along with another', () => {
  let now = 1;
  const builds = new PendingBuilds({ now: () => now });
  const told = (name: string) => builds.remember({ ...running(2), requestHash: name });
  for (const name of ['polled', 'left', 'polled later', 'young']) told(name);
  builds.get('polled');
  now += 300;
  told('young');
  builds.get('young');
  builds.get('polled later');

  it('are none while what is known of them will do for a while', () => {
    expect(builds.due(9)).toEqual([]);
  });

  it('are those that are polled for and grow old, those polled last first', () => {
    now += 500;
    expect(builds.due(9)).toEqual(['polled later', 'polled']);
    expect(builds.due(1)).toEqual(['polled later']);
  });

  it('are not those that were told of since, until they are polled for again', () => {
    told('polled');
    now += 1_001;
    expect(builds.due(9)).toEqual(['polled later', 'young']);
    expect(builds.get('polled')).toBeUndefined();
    expect(builds.due(9)).toContain('polled');
  });
});

describe('a pending build', () => {
  it('is what was said of it last, and nothing once its time is over', () => {
    let now = 1;
    const builds = new PendingBuilds({ now: () => now });
    expect(builds.get(live.requestHash)).toBeUndefined();
    builds.remember(queued(5, 100));
    builds.remember(running(2));
    now += 1_000;
    expect(builds.get(live.requestHash)).toEqual(running(2));
    now += 1;
    expect(builds.get(live.requestHash)).toBeUndefined();
  });
});

test('an intent is live for minutes after its build was heard of, and no other is', () => {
  let now = 1;
  const builds = new PendingBuilds({ now: () => now });
  builds.remember(queued(5, 100), 'an intent');
  builds.remember(queued(5, 100));
  now += 5 * 60_000;
  expect([builds.isLive('an intent'), builds.isLive(live.requestHash)]).toEqual([true, false]);
  now += 5 * 60_000 + 1;
  expect(builds.isLive('an intent')).toBe(false);
});
