/** The alerts of deploy/alerts.yml against the numbers that edge and nodes really tell: a rule about a metric that is none never fires. */
import { describe, expect, it, test } from 'vitest';
import alerts from '../../deploy/alerts.yml?raw';
import operating from '../../docs/operating.md?raw';
import { NodeMetrics } from '../../farm/metrics/node-metrics.ts';
import { BUILD_ERRORS } from '../../shared/build/build-error.ts';
import { Phases } from '../foreman/statistics/phases.ts';
import { OUTCOMES, PREBUILD_FATES } from './counted.ts';
import { metricsText } from './metrics-text.ts';

const named = (names: readonly string[]) => names.map((name) => ({ name, n: 1 }));

/** Everything that can be told, once. */
async function told(): Promise<string> {
  const phases = new Phases();
  for (const phase of ['waiting', 'building', 'publishing'] as const) phases.note(phase, 1_000);
  const edge = metricsText({
    stats: {
      calls: { submit: 1 },
      refusal: null,
      images: { kept: { n: 1, bytes: 1 }, leaving: { n: 1, bytes: 1 }, removed: { n: 1, bytes: 1 }, budgetBytes: 1 },
      waiting: 1,
      live: 1,
      prebuildsWaiting: 1,
      longestWaitMs: 1,
      phases: phases.samples(),
      activeLeases: 1,
      nodesPresent: 1,
    },
    totals: {
      outcomes: named(OUTCOMES),
      builds: named(['built', 'failed']),
      failures: named(Object.keys(BUILD_ERRORS)),
      prebuilds: named(PREBUILD_FATES),
      prebuildSeconds: 1,
      publishedBytes: 1,
    },
    clients: named(['owut/1']),
    upstreamAgeSeconds: 1,
    limits: { queue: 1, prebuildSeconds: 1 },
  });
  const node = new NodeMetrics({
    slots: 1,
    disk: async () => ({ usedBytes: 1, budgetBytes: 1 }),
    packages: () => null,
    unheard: () => 1,
  });
  for (const kind of Object.keys(BUILD_ERRORS) as (keyof typeof BUILD_ERRORS)[]) {
    const more = { secondsOfStep: new Map(), peakMemoryBytes: null, peakDiskBytes: null };
    node.buildEnded({ result: kind, seconds: 1, ...more });
  }
  return edge + (await node.text());
}

const metrics = await told();
const names = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name]) => String(name));
/** As `metric{label="value",other=~"a|b"}`; those without labels as well. */
const selectors = [...alerts.matchAll(/\b(asu_\w+)(?:\{([^}]*)\})?/g)].map(([, name, labels = '']) => ({
  name: String(name),
  labels: [...labels.matchAll(/(\w+)=~?"([^"]*)"/g)].flatMap(([, label, values]) =>
    String(values)
      .split('|')
      .map((value) => `${label}="${value}"`),
  ),
}));

const samplesOf = (name: string): readonly string[] =>
  metrics.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));

describe('each rule', () => {
  it('is about numbers that are told', () => {
    expect(names.length).toBeGreaterThan(10);
    expect(selectors.length).toBeGreaterThanOrEqual(names.length - 2);
    expect(selectors.filter(({ name }) => samplesOf(name).length === 0)).toEqual([]);
  });

  it('is about labels that there are', () => {
    const isThere = (name: string, label: string) => samplesOf(name).some((line) => line.includes(label));
    const wrong = selectors.flatMap(({ name, labels }) => labels.filter((label) => !isThere(name, label)));
    expect(wrong).toEqual([]);
  });

  it('is there once', () => expect(new Set(names).size).toBe(names.length));
});

test('docs/operating.md says of each alert, and of no other, what to do', () => {
  expect([...operating.matchAll(/^\| `(Asu\w+)` \|/gm)].map(([, name]) => name)).toEqual(names);
});

test('docs/operating.md names only metrics that are told', () => {
  const told = [...operating.matchAll(/`(asu_\w+)/g)].map(([, name]) => String(name));
  expect(told.filter((name) => !metrics.includes(`# TYPE ${name} `))).toEqual([]);
});
