import { expect, it, test } from 'vitest';
import { needsRenewal } from './lease.ts';
import { reportPauseMs } from './report-pause.ts';

it.each([
  ['nobody is at anything', 0, 3_000, 90_000, 0],
  ['one node may say it as often as it likes', 1, 3_000, 90_000, 20],
  ['a hundred need not wait longer than they do by themselves', 100, 3_000, 90_000, 2_000],
  ['a thousand share what there is', 1_000, 3_000, 90_000, 20_000],
  ['nobody waits longer than its lease can bear', 100_000, 3_000, 90_000, 22_500],
  ['a short lease is renewed in time as well', 1_000, 3_000, 2_000, 500],
  ['a Foreman that is slow is asked less', 10, 60, 90_000, 10_000],
])('%s', (_, reporting, perMinute, leaseMs, expected) => {
  expect(reportPauseMs(reporting, perMinute, leaseMs)).toBe(expected);
});

test.each([2_000, 90_000, 600_000])(
  'a lease of %i ms lives though the report that should renew it is lost',
  (leaseMs) => {
    const pauseMs = reportPauseMs(1_000_000, 1, leaseMs);
    let expiresAt = leaseMs;
    for (let n = 1, now = pauseMs; n < 100; n += 1, now += pauseMs) {
      expect(expiresAt).toBeGreaterThan(now);
      // Those before the last chance come to nothing.
      if (needsRenewal(expiresAt, now, leaseMs) && expiresAt - now <= pauseMs) expiresAt = now + leaseMs;
    }
  },
);
