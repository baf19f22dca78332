/** What anybody may read of this server's health: which part is ill, and nothing of where it stands. The operator reads that in the log. */
import { beforeAll, expect, test, vi } from 'vitest';
import { ask, env, jsonOf, openUpstream } from '../edge.fixture.ts';
import { withLaterClock } from './later-clock.fixture.ts';

const bucket = env.IMAGES as R2Bucket;
const OF_OURS = ['store.inner.example', '9000', 'asu-images', 'AKIAEXAMPLE', '10012', '10001', 'node:internal'];

const later = withLaterClock();

beforeAll(async () => {
  await openUpstream();
});

interface Told {
  readonly status: number;
  readonly parts: Readonly<Record<string, { readonly up: boolean; readonly reason?: string }>>;
  readonly text: string;
}

/** Not the one that was kept a moment ago. */
async function health(): Promise<Told> {
  later();
  const response = await ask('/healthz');
  const text = await response.clone().text();
  const { parts } = await jsonOf(response);
  return { status: response.status, parts: parts as Told['parts'], text };
}

const SICK = /^it does not answer as it should; the log of this server says why$/;

test.each<[string, string, () => unknown, string, RegExp, string]>([
  [
    'the store refuses',
    'object_store',
    () => vi.spyOn(bucket, 'list'),
    'list of https://store.inner.example:9000/asu-images by AKIAEXAMPLE (10012)',
    /^it refuses what it is asked; the log of this server says why$/,
    'AKIAEXAMPLE',
  ],
  [
    'the store cannot be reached',
    'object_store',
    () => vi.spyOn(bucket, 'list'),
    'connect ECONNREFUSED https://store.inner.example:9000/asu-images (10001)',
    SICK,
    'ECONNREFUSED',
  ],
  ['KV fails', 'kv', () => vi.spyOn(env.CACHE, 'get'), 'at node:internal/kv:9000', SICK, 'node:internal/kv'],
  [
    'the Foreman fails',
    'foreman',
    () => vi.spyOn(env.FOREMAN, 'get'),
    'at node:internal/do:9000',
    SICK,
    'node:internal/do',
  ],
])('%s: anybody is told that, and the log why', async (_, part, spy, message, reason, inLog) => {
  const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  (spy() as ReturnType<typeof vi.spyOn>).mockImplementation(() => {
    throw new Error(message);
  });
  const { status, parts, text } = await health();
  expect([status, parts[part]?.up]).toEqual([503, false]);
  expect(parts[part]?.reason).toMatch(reason);
  for (const word of OF_OURS) expect(text).not.toContain(word);
  const lines = logged.mock.calls.map(([line]) => JSON.parse(String(line)) as Record<string, string>);
  expect(lines.filter((line) => line.event === 'a part is down' && line.part === part)).toMatchObject([
    { part, error: expect.stringContaining(inLog) },
  ]);
});

test('when nothing is the matter nothing is logged', async () => {
  const logged = vi.spyOn(console, 'error');
  const { status, parts } = await health();
  expect([status, parts.kv, parts.foreman]).toEqual([200, { up: true }, { up: true }]);
  expect(logged).not.toHaveBeenCalled();
});
