/** How long a body may be at each route that reads one, to the byte, with its length told before it or found by counting. */
import { beforeAll, describe, expect, it } from 'vitest';
import { configOf } from '../config.ts';
import { ask, env, GOOD_REQUEST, jsonOf, openUpstream } from '../edge.fixture.ts';
import { ENDPOINTS, PC } from '../seed/request.fixture.ts';

const OF_REQUESTS = 256 * 1024;
const OF_OPERATORS = 4 * 1024;
/** Is read, and refused for what it asks for: so nothing is built. */
const UNSUPPORTED = { version: 'latest' };

beforeAll(openUpstream);

const inChunks = (text: string): ReadableStream<Uint8Array> => {
  const half = text.length >> 1;
  return new ReadableStream({
    start(controller) {
      for (const part of [text.slice(0, half), text.slice(half)]) controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  });
};

async function answers(path: string, text: string): Promise<readonly number[]> {
  const headers = { authorization: `Bearer ${configOf(env).ADMIN_KEY}` };
  const told = { ...headers, 'content-length': String(text.length) };
  const statuses: number[] = [];
  for (const init of [
    { headers: told, body: text },
    { headers, body: inChunks(text) },
  ]) {
    const response = await ask(path, { method: 'POST', ...init });
    await jsonOf(response);
    statuses.push(response.status);
  }
  return statuses;
}

describe.each<[path: string, maxBytes: number, body: object, status: number]>([
  ['/api/v1/build', OF_REQUESTS, { ...GOOD_REQUEST, ...UNSUPPORTED }, 400],
  [ENDPOINTS[0], OF_REQUESTS, { ...PC, ...UNSUPPORTED }, 412],
  [ENDPOINTS[1], OF_REQUESTS, { ...PC, ...UNSUPPORTED }, 412],
  ['/api/upgrade-check', OF_REQUESTS, { ...PC, ...UNSUPPORTED }, 412],
  ['/api/v1/admin/tokens', OF_OPERATORS, { operator: 'alice', tier: 'volunteer', expires_seconds: 3600 }, 200],
  ['/api/v1/admin/nodes/callable', OF_OPERATORS, { url: 'no URL' }, 422],
  [`/api/v1/admin/nodes/${'f'.repeat(64)}/revoke`, OF_OPERATORS, { reason: 'it lies' }, 404],
])('%s', (path, maxBytes, body, status) => {
  const text = JSON.stringify(body).padEnd(maxBytes);

  it(`reads a body of ${maxBytes} bytes`, async () => {
    expect(await answers(path, text)).toEqual([status, status]);
  });

  it('refuses one of a byte more', async () => {
    expect(await answers(path, `${text} `)).toEqual([413, 413]);
  });
});
