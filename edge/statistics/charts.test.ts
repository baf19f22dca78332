import { describe, expect, it, test } from 'vitest';
import { daysChart, topPackages, versionsChart } from './charts.ts';
import { failureText } from './failure-text.ts';
import type { PublicFailure } from './public-failure.ts';

const TODAY = 20_781; // 2026-11-24
const row = (day: number, name: string, n: number, branch = '') => ({ day, branch, name, n });

describe('builds per day', () => {
  const chart = daysChart(
    {
      outcomes: [
        row(TODAY, 'hit_memory', 5),
        row(TODAY, 'hit_kv', 4),
        row(TODAY, 'hit_store', 3),
        row(TODAY, 'new', 2),
        row(TODAY, 'joined', 1),
        row(TODAY, 'known_failure', 10),
        row(TODAY, 'failed_early', 20),
        row(TODAY, 'refused', 100),
        row(TODAY, 'limited', 200),
        row(TODAY, 'queue_full', 300),
        row(TODAY, 'fault', 400),
        row(TODAY - 29, 'new', 7),
        row(TODAY - 30, 'new', 1_000),
        row(TODAY + 1, 'new', 1_000),
      ],
      builds: [row(TODAY, 'failed', 6), row(TODAY, 'built', 60), row(TODAY - 1, 'failed', 1)],
    },
    TODAY,
  );

  it('are thirty days that end with today', () => {
    expect(chart.labels.length).toBe(30);
    expect([chart.labels.at(0), chart.labels.at(-1)]).toEqual(['2026-10-26Z', '2026-11-24Z']);
  });

  it('are three lines with their labels and colours, zeros filled in', () => {
    const zeros = (length: number) => new Array(length).fill(0);
    expect(chart.datasets).toEqual([
      { label: 'Requests', data: [7, ...zeros(28), 45], color: 'green' },
      { label: 'Cache-Hits', data: [...zeros(29), 12], color: 'orange' },
      { label: 'Failures', data: [...zeros(28), 1, 6], color: 'red' },
    ]);
  });
});

describe('builds by version', () => {
  const counts = [
    row(TODAY, '24.10.2', 3, '24.10'),
    row(TODAY - 6, '24.10-SNAPSHOT', 2, '24.10'),
    row(TODAY - 7, '24.10.2', 10, '24.10'),
    row(TODAY - 26 * 7 + 1, 'SNAPSHOT', 4, 'SNAPSHOT'),
    row(TODAY - 26 * 7, 'SNAPSHOT', 1_000, 'SNAPSHOT'),
    row(TODAY, '23.05.5', 1, '23.05'),
    row(TODAY, 'odd', 9, ''),
  ];
  const zeros = (length: number) => new Array(length).fill(0);

  it('are one line a branch, over 26 weeks of which the last ends with today', () => {
    const chart = versionsChart(counts, null, TODAY);
    expect([chart.labels.length, chart.labels.at(0), chart.labels.at(-1)]).toEqual([26, '2026-05-27Z', '2026-11-18Z']);
    expect(chart.datasets).toEqual([
      { label: '23.05', data: [...zeros(25), 1] },
      { label: '24.10', data: [...zeros(24), 10, 5] },
      { label: 'SNAPSHOT', data: [4, ...zeros(25)] },
    ]);
  });

  it('are one line a version of the branch that is asked for', () => {
    expect(versionsChart(counts, '24.10', TODAY).datasets).toEqual([
      { label: '24.10-SNAPSHOT', data: [...zeros(25), 2] },
      { label: '24.10.2', data: [...zeros(24), 10, 3] },
    ]);
    expect(versionsChart(counts, '22.03', TODAY).datasets).toEqual([]);
  });
});

test('top packages are as many as asked for, with their branch and their days', () => {
  const counts = [
    { name: 'luci', n: 9 },
    { name: 'vim', n: 5 },
  ];
  expect(topPackages(counts, '24.10', 1)).toEqual({
    packages: [{ name: 'luci', count: 9 }],
    branch: '24.10',
    days: 30,
  });
  expect(topPackages(counts, null, 20).packages.length).toBe(2);
});

test('failures are read newest first, as many as asked for', () => {
  const failure = (at: number, lastLines: string[]): PublicFailure => ({
    at,
    version: '24.10.2',
    target: 'x86/64',
    profile: 'generic',
    kind: 'build_failed',
    detail: 'Error: it failed',
    lastLines,
  });
  const newest = Date.UTC(2026, 10, 24, 3, 19, 45);
  expect(failureText([failure(newest, ['one', 'two']), failure(newest - 60_000, []), failure(0, [])], 2)).toBe(
    `2 of 3 failed builds, 2026-11-24 03:18Z to 2026-11-24 03:19Z, newest first

2026-11-24 03:19Z 24.10.2 x86/64 generic build_failed: Error: it failed
    one
    two

2026-11-24 03:18Z 24.10.2 x86/64 generic build_failed: Error: it failed
`,
  );
  expect(failureText([], 10)).toBe('No build has failed lately.\n');
});
