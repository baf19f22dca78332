/** Whoever may say by which name this server is called could have others fetch images elsewhere. */
import { createExecutionContext } from 'cloudflare:test';
import { expect, test, vi } from 'vitest';
import { app } from '../app.ts';
import { ask } from '../edge.fixture.ts';
import {
  buildNext,
  ENDPOINTS,
  openSeedIsolate,
  PC_SPLIT,
  poster,
  seedJson,
  unique,
  untilStatus,
  withSeedNode,
} from './request.fixture.ts';

vi.setConfig({ testTimeout: 60_000 });
const node = withSeedNode();

test.each([
  ['of the host that each one asked, where nobody said how this server is called', '', null],
  ['of PUBLIC_URL, whatever host was asked', 'https://said.example', 'https://said.example'],
])('whole URLs are %s; nobody gets those of another, and no cache keeps them', async (_, PUBLIC_URL, said) => {
  const path = ENDPOINTS[0];
  const { request_hash } = await seedJson(await poster(ask)({ ...PC_SPLIT, packages: [unique()] }, path));
  await buildNext(node());
  await untilStatus(200, () => ask(`${path}/${request_hash}`));
  const isolate = openSeedIsolate({ PUBLIC_URL });
  const from = (host: string): Promise<Response> =>
    Promise.resolve(
      app.fetch(new Request(`https://${host}${path}/${request_hash}`), isolate.env, createExecutionContext()),
    );
  for (const host of ['evil.example', 'asu.example', 'evil.example']) {
    const answer = await from(host);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const { sysupgrade = '', files = '', log = '' } = await seedJson(answer);
    for (const url of [sysupgrade, files, log]) expect(new URL(url).origin).toBe(said ?? `https://${host}`);
  }
});
