import { describe, expect, it, test } from 'vitest';
import { requestEcho } from '../../shared/build/build-record.fixture.ts';
import { LIFETIMES } from '../lifetimes.ts';
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
  now += 2_000;
  builds.get('polled');
  now += 2_000;
  told('young');
  builds.get('young');
  builds.get('polled later');
  now += 600;

  it('are those that are polled for and whose last answer grew old, those polled last first', () => {
    expect(builds.due(9)).toEqual(['polled later', 'polled', 'left']);
    expect(builds.due(1)).toEqual(['polled later']);
  });

  it('are not those for which nobody has asked for some seconds', () => {
    now += 1_600;
    expect(builds.due(9)).toEqual(['polled later', 'young', 'polled']);
  });

  it('are not those that were told of since, while that will do', () => {
    told('polled');
    now += 750;
    expect(builds.due(9)).toEqual(['polled later', 'young']);
  });

  it('are those that were told of on the way and are still polled for now and then', () => {
    now += 1;
    // Behind those that were polled for later: it was told of on the way.
    expect(builds.due(9)).toEqual(['polled later', 'young', 'polled']);
  });

  it('are, far back in a long queue, those that would be old within a quarter of a minute', () => {
    const long = new PendingBuilds({ now: () => now });
    for (const name of ['one', 'other']) long.remember({ ...queued(90_000, 36_000), requestHash: name });
    now += 40_000;
    long.get('one');
    expect(long.due(9)).toEqual([]);
    now += 5_001;
    expect(long.due(9)).toEqual(['one']);
  });
});

describe('what is said of builds on the way', () => {
  let now = 1;
  const builds = new PendingBuilds({ now: () => now });
  const named = (name: string) => ({ ...running(2), requestHash: name });
  const told = [named('runs'), null, { state: 'done', requestHash: 'ended', generation: 1 }] as const;

  it('is remembered of those that are under way', () => {
    builds.remember(named('ended'));
    builds.rememberAll(told);
    expect(builds.get('runs')).toEqual(named('runs'));
  });

  it('is that one is done: it is not asked for again, on the way or by itself, for as long as that is sure', () => {
    expect([builds.isDone('ended'), builds.isDone('runs')]).toEqual([true, false]);
    expect(builds.get('ended')).toBeUndefined();
    now += 5_000;
    expect(builds.due(9)).toEqual(['runs']);
    now += LIFETIMES.doneMs;
    expect(builds.isDone('ended')).toBe(false);
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
