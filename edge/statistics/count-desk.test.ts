import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { BUILD_ERRORS, BuildError, type BuildErrorKind } from '../../shared/build/build-error.ts';
import { LIFETIMES } from '../lifetimes.ts';
import { clientName } from './client-name.ts';
import { CountDesk } from './count-desk.ts';
import type { Count, CountBatch } from './counted.ts';
import { outcomeOf } from './outcome-of.ts';

const NOON = Date.UTC(2026, 10, 24, 12);
let now = NOON;
let sent: CountBatch[] = [];
let works: Promise<unknown>[] = [];
let desk: CountDesk;

beforeEach(() => {
  now = NOON;
  sent = [];
  works = [];
  desk = new CountDesk({
    send: async (batch) => void sent.push(batch),
    waitUntil: (work) => void works.push(work),
    now: () => now,
  });
});
afterEach(() => vi.restoreAllMocks());

const image = (fields: { requestHash?: string; version?: string; packages?: string; profile?: string } = {}) => ({
  requestHash: 'a',
  intentHash: 'the wish',
  version: '24.10.2',
  target: 'x86/64',
  profile: 'generic',
  packages: 'luci vim',
  ...fields,
});
const numbers = (counts: readonly Count[] = []): Record<string, number> =>
  Object.fromEntries(counts.map(({ what, branch, name, n }) => [[what, branch, name].filter(Boolean).join(' '), n]));

describe('hits', () => {
  it('however many, are told in one batch a minute, behind an answer', () => {
    for (let hits = 0; hits < 1_000; hits++) desk.answered('hit_memory', 'owut/1', image());
    expect([sent.length, works.length]).toEqual([0, 0]);
    now += LIFETIMES.countsMs;
    for (let hits = 0; hits < 1_000; hits++) desk.answered('hit_memory', 'owut/1', image());
    expect([sent.length, works.length]).toEqual([1, 1]);
    expect(numbers(sent[0]?.counts)).toEqual({
      'outcome hit_memory': 1_001,
      'client owut/1': 1_001,
      'image a': 1_001,
      'wish the wish': 1_001,
      'version 24.10 24.10.2': 1_001,
      'target 24.10 x86/64': 1_001,
      'profile 24.10 generic': 1_001,
      'package 24.10 luci': 1_001,
      'package 24.10 vim': 1_001,
    });
  });

  it('of several images count each name once, each branch for itself', async () => {
    desk.answered('hit_kv', 'a/1', image());
    desk.answered('hit_kv', 'b/1', image({ requestHash: 'b', packages: 'vim', profile: 'x' }));
    desk.answered('hit_store', 'b/1', image({ requestHash: 'c', version: 'SNAPSHOT', packages: '' }));
    desk.answered('joined', 'b/1');
    await desk.flush();
    expect(numbers(sent[0]?.counts)).toEqual({
      'outcome hit_kv': 2,
      'outcome hit_store': 1,
      'outcome joined': 1,
      'client a/1': 1,
      'client b/1': 3,
      'image a': 1,
      'image b': 1,
      'image c': 1,
      'version 24.10 24.10.2': 2,
      'version SNAPSHOT SNAPSHOT': 1,
      'wish the wish': 3,
      'target 24.10 x86/64': 2,
      'target SNAPSHOT x86/64': 1,
      'profile 24.10 generic': 1,
      'profile 24.10 x': 1,
      'profile SNAPSHOT generic': 1,
      'package 24.10 luci': 1,
      'package 24.10 vim': 2,
    });
  });

  it('of one day are told with that day, however late', () => {
    now = Date.UTC(2026, 10, 24, 23, 59, 59, 999);
    desk.answered('new', 'a/1');
    now += 1;
    desk.answered('new', 'a/1');
    expect(sent.map(({ day }) => day)).toEqual([20_781]);
  });
});

describe('memory', () => {
  it('holds so many images, tells before its time, and never as often as they come', () => {
    for (let n = 0; n < 5_000; n++) desk.answered('hit_kv', 'a/1', image({ requestHash: `image ${n}` }));
    expect(sent.length).toBe(0);
    now += LIFETIMES.fullCountsMs;
    desk.answered('hit_kv', 'a/1', image({ requestHash: 'one more' }));
    expect(numbers(sent[0]?.counts)).toMatchObject({ 'outcome hit_kv': 5_001, 'profile 24.10 generic': 1_000 });
  });

  it('holds so many characters of package names', () => {
    const packages = Array.from({ length: 1_000 }, (_, n) => `package-${n}`.padEnd(127, 'x')).join(' ');
    for (let n = 0; n < 8; n++) desk.answered('hit_kv', 'a/1', image({ requestHash: `image ${n}`, packages }));
    expect(sent.length).toBe(0);
    desk.answered('hit_kv', 'a/1', image({ requestHash: 'one more', packages }));
    now += LIFETIMES.fullCountsMs;
    desk.answered('hit_kv', 'a/1', image({ requestHash: 'one too many', packages }));
    expect(numbers(sent[0]?.counts)).toMatchObject({ 'outcome hit_kv': 10, 'profile 24.10 generic': 9 });
  });

  it('holds so many names of clients, and the flood of another name each is no call', async () => {
    for (let n = 0; n < 10_000; n++) desk.answered('hit_memory', `client/${n}`);
    expect(sent.length).toBe(0);
    await desk.flush();
    expect(sent[0]?.counts.filter(({ what }) => what === 'client').length).toBe(100);
    expect(numbers(sent[0]?.counts)).toMatchObject({ 'outcome hit_memory': 10_000, 'client client/0': 1 });
  });

  it('tells so many names at once', async () => {
    for (let n = 0; n < 900; n++) {
      const packages = Array.from({ length: 10 }, (_, m) => `p${n * 10 + m}`).join(' ');
      desk.answered('hit_kv', 'a/1', image({ requestHash: `image ${n}`, packages }));
    }
    await desk.flush();
    expect(sent[0]?.counts.length).toBe(5_000);
  });
});

describe('refusals', () => {
  it('are never a reason to tell, however long they come', () => {
    for (let minutes = 0; minutes < 10; minutes++) {
      desk.refused('limited');
      now += LIFETIMES.countsMs;
    }
    expect([sent.length, works.length]).toEqual([0, 0]);
    desk.answered('hit_memory', 'a/1');
    expect(numbers(sent[0]?.counts)).toMatchObject({ 'outcome limited': 10, 'outcome hit_memory': 1 });
  });

  it.each<[unknown, string]>([
    [new BuildError('too_many_requests'), 'limited'],
    [new BuildError('queue_full'), 'queue_full'],
    [new BuildError('invalid_request'), 'refused'],
    [new BuildError('unsupported'), 'refused'],
    [new BuildError('unknown_package'), 'failed_early'],
    [new BuildError('revision_changed'), 'failed_early'],
    [new BuildError('upstream_unavailable'), 'fault'],
    [new TypeError('x is not a function'), 'fault'],
    ['thrown text', 'fault'],
  ])('are counted by what they were: %s', (error, outcome) => {
    expect(outcomeOf(error)).toBe(outcome);
  });

  it('of every kind count as something', () => {
    for (const kind of Object.keys(BUILD_ERRORS) as BuildErrorKind[])
      expect(outcomeOf(new BuildError(kind))).toMatch(/^(?:limited|queue_full|refused|failed_early|fault)$/);
  });
});

describe('a Foreman that does not answer', () => {
  it('costs the batch, is logged, and nobody else notices', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const send = vi.fn(() => Promise.reject(new Error('down')));
    desk = new CountDesk({ send, waitUntil: (work) => void works.push(work), now: () => now });
    desk.answered('new', 'a/1');
    now += LIFETIMES.countsMs;
    desk.answered('new', 'a/1');
    await expect(Promise.all(works)).resolves.toEqual([undefined]);
    expect([send.mock.calls.length, log.mock.calls.length]).toEqual([1, 1]);
    await desk.flush();
    expect(send).toHaveBeenCalledTimes(1);
  });

  it('loses nothing of what comes while it is asked', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const send = (batch: CountBatch): Promise<void> => {
      sent.push(batch);
      return promise;
    };
    desk = new CountDesk({ send, waitUntil: () => undefined, now: () => now });
    desk.answered('new', 'a/1');
    const flushed = desk.flush();
    desk.answered('joined', 'a/1');
    resolve();
    await flushed;
    await desk.flush();
    expect(sent.map(({ counts }) => numbers(counts))).toEqual([
      { 'outcome new': 1, 'client a/1': 1 },
      { 'outcome joined': 1, 'client a/1': 1 },
    ]);
  });

  it('is not asked where nothing was counted', async () => {
    await desk.flush();
    expect(sent).toEqual([]);
  });
});

test.each<[string | null, string | null, string]>([
  ['owut/2024.12.01-r1', null, 'owut/2024.12.01-r1'],
  ['luci/git-22.073.39928-701ea94', 'Mozilla/5.0', 'luci/git-22.073.39928-701ea94'],
  [null, 'auc (0.3.2)', 'auc/0.3.2'],
  [null, 'auc/0.3.2', 'auc/0.3.2'],
  [null, 'Mozilla/5.0 (X11; Linux)', 'unknown'],
  [null, `auc (${'1'.repeat(33)})`, 'unknown'],
  [null, null, 'unknown'],
  ['', 'auc (0.3.2)', 'other'],
  ['<script>alert(1)</script>', null, 'other'],
  ['name with blanks', null, 'other'],
  ['a"} 1\nasu_builds 7', null, 'other'],
  ['ünïcode/1', null, 'other'],
  ['x'.repeat(101), null, 'other'],
])('the client %j with the agent %j counts as %s', (client, agent, name) => {
  expect(clientName(client, agent)).toBe(name);
});

describe('images that are served', () => {
  it('are told once each with what is counted, be they handed out, polled for or fetched', async () => {
    desk.answered('hit_memory', 'a/1', image());
    for (const hash of ['a', 'b', 'b']) desk.served(hash);
    await desk.flush();
    expect(sent.map(({ served }) => served)).toEqual([['a', 'b']]);
  });

  it('are told once a minute where nothing else is', () => {
    for (let times = 0; times < 1_000; times++) desk.served('a');
    expect(sent).toEqual([]);
    now += LIFETIMES.countsMs;
    desk.served('b');
    expect(sent).toEqual([{ day: 20_781, counts: [], served: ['a', 'b'] }]);
  });

  it('are so many at most', async () => {
    for (let n = 0; n < 5_000; n++) desk.served(`image ${n}`);
    desk.answered('hit_kv', 'a/1', image());
    await desk.flush();
    expect(sent[0]?.served).toHaveLength(1_000);
  });
});
