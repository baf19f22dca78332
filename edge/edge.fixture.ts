/**
 * The real edge in its real runtime, for tests: the Worker's own handler, KV, R2 and Durable Objects. Only the mirror behind
 * it is a test's, and `fetch` fails for anything else, so that nothing leaves the machine.
 */
import { runInDurableObject } from 'cloudflare:test';
import { exports, env as workerEnv } from 'cloudflare:workers';
import { expect } from 'vitest';
import { type Mirror, openGoodMirror } from './catalogue/mirror.fixture.ts';
import { configOf } from './config.ts';
import type { Env } from './env.ts';
import type { Foreman } from './foreman/foreman.ts';
import type { ForemanStats } from './foreman/foreman-answers.ts';

export const env = workerEnv as unknown as Env;

const worker = exports as unknown as { readonly default: { fetch(request: Request): Promise<Response> } };

/** A mirror with release 24.10.2 of x86/64, where the edge looks for its upstream. */
export async function openUpstream(): Promise<Mirror> {
  const mirror = await openGoodMirror();
  const { UPSTREAM_URL, UPSTREAM_KEYS } = configOf(env);
  if (!UPSTREAM_KEYS.some((key) => mirror.key.publicKey.includes(key)))
    throw new Error('expected UPSTREAM_KEYS to hold the key that the test mirror signs with');
  // For good: an alarm that rings after the last test must not leave the machine either.
  globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (!url.startsWith(`${UPSTREAM_URL}/`)) throw new Error(`expected only the mirror to be asked, not ${url}`);
    return mirror.fetch(mirror.url + url.slice(UPSTREAM_URL.length), init ?? {});
  };
  return mirror;
}

export const ask = (path: string, init?: RequestInit): Promise<Response> =>
  worker.default.fetch(new Request(`https://asu.example${path}`, init));

export const GOOD_REQUEST = { version: '24.10.2', target: 'x86/64', profile: 'generic' };

export const post = (body: unknown): Promise<Response> =>
  ask('/api/v1/build', { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });

/** An answer's JSON, after the checks that hold for every one of them: JSON, CORS, and a `detail` that is a string. */
export async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  const body = (await response.json()) as Record<string, unknown>;
  if (response.status >= 400) expect(body).toMatchObject({ status: response.status, detail: expect.any(String) });
  return body;
}

export const foremanStub = (name = 'foreman'): DurableObjectStub<Foreman> =>
  env.FOREMAN.get(env.FOREMAN.idFromName(name));

export const foremanStats = async (): Promise<ForemanStats> => (await foremanStub().stats()) as unknown as ForemanStats;

export type Table =
  | 'builds'
  | 'leases'
  | 'votes'
  | 'nodes'
  | 'uploads'
  | 'join_tokens'
  | 'meta'
  | 'counters'
  | 'failures'
  | 'names'
  | 'clients'
  | 'log'
  | 'statements'
  | 'reproducibility'
  | 'measurers'
  | 'disowned'
  | 'recalled'
  | 'shelved'
  | 'checks'
  | 'known_images'
  | 'latest_images'
  | 'wanted'
  | 'upstream_seen'
  | 'kept_requests'
  | 'orphaned'
  | 'images'
  | 'image_sums';
export type Row = Record<string, string | number | null>;

export const rowsOf = (stub: DurableObjectStub<Foreman>, table: Table): Promise<Row[]> =>
  runInDurableObject(stub, (_, state) => state.storage.sql.exec<Row>(`SELECT * FROM ${table}`).toArray());

/** For what calls alone cannot bring about in a test: rows by the thousand, or of long ago. */
export const alterTables = (stub: DurableObjectStub<Foreman>, statement: string, ...values: string[]): Promise<void> =>
  runInDurableObject(stub, (_, state) => {
    state.storage.sql.exec(statement, ...values);
  });
