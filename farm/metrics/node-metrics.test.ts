import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type MetricsServer, serveMetrics } from './metrics-server.ts';
import { type EndedBuild, type Gauges, NodeMetrics } from './node-metrics.ts';

const gauges: Gauges = { slots: 2, disk: async () => null, packages: () => null, unheard: () => 0 };
const ended: EndedBuild = {
  result: 'succeeded',
  seconds: 12,
  secondsOfStep: new Map([
    ['init', 0.01],
    ['building_image', 9],
  ]),
  peakMemoryBytes: 100 * 1024 ** 2,
  peakDiskBytes: null,
};

const samplesOf = (text: string): Record<string, number> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );

let server: MetricsServer | undefined;
afterEach(() => server?.[Symbol.asyncDispose]());

test('a node that has done nothing tells how much it could do', async () => {
  expect(samplesOf(await new NodeMetrics(gauges).text())).toEqual({
    'asu_node_downloaded_bytes_total{what="imagebuilder"}': 0,
    asu_node_uploaded_bytes_total: 0,
    asu_node_builds_running: 0,
    asu_node_slots: 2,
    asu_node_unheard_results: 0,
  });
});

test('builds are counted by their end, and steps by their duration', async () => {
  const metrics = new NodeMetrics(gauges);
  metrics.buildEnded(ended);
  metrics.buildEnded({ ...ended, seconds: 1000 });
  metrics.buildEnded({ ...ended, result: 'conflict', seconds: 3, secondsOfStep: new Map(), peakMemoryBytes: null });
  metrics.buildEnded({ ...ended, result: 'of another kind' as 'conflict', peakMemoryBytes: null });
  const samples = samplesOf(await metrics.text());
  expect(samples).toMatchObject({
    'asu_node_builds_total{result="succeeded"}': 2,
    'asu_node_builds_total{result="conflict"}': 1,
    'asu_node_builds_total{result="internal"}': 1,
    'asu_node_build_seconds_bucket{result="succeeded",le="10"}': 0,
    'asu_node_build_seconds_bucket{result="succeeded",le="30"}': 1,
    'asu_node_build_seconds_bucket{result="succeeded",le="600"}': 1,
    'asu_node_build_seconds_bucket{result="succeeded",le="+Inf"}': 2,
    'asu_node_build_seconds_sum{result="succeeded"}': 1012,
    'asu_node_step_seconds_bucket{step="init",le="0.1"}': 3,
    'asu_node_step_seconds_bucket{step="building_image",le="5"}': 0,
    'asu_node_step_seconds_bucket{step="building_image",le="10"}': 3,
    'asu_node_step_seconds_count{step="building_image"}': 3,
    'asu_node_build_peak_bytes_bucket{of="memory",le="67108864"}': 0,
    'asu_node_build_peak_bytes_bucket{of="memory",le="134217728"}': 2,
  });
  expect(Object.keys(samples).join()).not.toContain('of another kind');
});

test('a build runs from its beginning to its end', async () => {
  const metrics = new NodeMetrics(gauges);
  metrics.buildBegan();
  metrics.buildBegan();
  metrics.buildEnded(ended);
  expect(samplesOf(await metrics.text())).toMatchObject({ asu_node_builds_running: 1 });
});

test('what proxy and disk say is asked when the page is made', async () => {
  let hits = 1;
  const metrics = new NodeMetrics({
    ...gauges,
    unheard: () => 3,
    disk: async () => ({ usedBytes: 10, budgetBytes: 20 }),
    packages: () => ({
      ...{ hits: hits++, misses: 5, refused: 3, failed: 2, collapsed: 4, stale: 1 },
      ...{ bytesFromCache: 700, bytesFetched: 800 },
    }),
  });
  metrics.imageBuilderBytesDownloaded(30);
  metrics.bytesUploaded(40);
  metrics.bytesUploaded(50);
  await metrics.text();
  expect(samplesOf(await metrics.text())).toMatchObject({
    'asu_node_package_requests_total{outcome="hit"}': 2,
    'asu_node_package_requests_total{outcome="miss"}': 5,
    'asu_node_package_requests_total{outcome="refused"}': 3,
    'asu_node_package_requests_total{outcome="failed"}': 2,
    asu_node_package_shared_fetches_total: 4,
    asu_node_package_stale_indexes_total: 1,
    asu_node_package_cache_bytes_total: 700,
    'asu_node_downloaded_bytes_total{what="imagebuilder"}': 30,
    'asu_node_downloaded_bytes_total{what="package"}': 800,
    asu_node_uploaded_bytes_total: 90,
    asu_node_unheard_results: 3,
    asu_node_disk_used_bytes: 10,
    asu_node_disk_budget_bytes: 20,
  });
});

test('it is served on one path, to be read only', async () => {
  server = await serveMetrics({ host: '127.0.0.1', port: 0 }, () => new NodeMetrics(gauges).text());
  const page = await fetch(server.url);
  expect(page.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await page.text()).toContain('# TYPE asu_node_slots gauge\nasu_node_slots 2\n');
  expect((await fetch(new URL('/', server.url))).status).toBe(404);
  expect((await fetch(new URL('/metrics/../x', server.url))).status).toBe(404);
  expect((await fetch(server.url, { method: 'POST', body: 'x' })).status).toBe(405);
  expect((await fetch(server.url, { method: 'HEAD' })).status).toBe(200);
});

test('a page that cannot be made is a 500, and the next one is asked again', async () => {
  let times = 0;
  server = await serveMetrics({ host: '127.0.0.1', port: 0 }, async () => {
    times += 1;
    if (times === 1) throw new Error('/secret/path');
    return 'a 1\n';
  });
  const broken = await fetch(server.url);
  expect([broken.status, await broken.text()]).toEqual([500, '']);
  expect(await (await fetch(server.url)).text()).toBe('a 1\n');
});

test('an address that is taken is told; closing ends whoever is connected', async () => {
  server = await serveMetrics({ host: '127.0.0.1', port: 0 }, async () => '');
  const port = Number(new URL(server.url).port);
  await expect(serveMetrics({ host: '127.0.0.1', port }, async () => '')).rejects.toThrow(
    /127.0.0.1:\d+ \(EADDRINUSE\)/,
  );
  const idle = connect(port, '127.0.0.1');
  const gone = new Promise((resolve) => idle.once('close', resolve));
  idle.on('error', () => undefined);
  await new Promise((resolve) => idle.once('connect', resolve));
  await server[Symbol.asyncDispose]();
  await gone;
});
