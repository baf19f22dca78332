/** A router, as tests need one: plain HTTP, every answer kept. */
import { createHash } from 'node:crypto';
import { until } from '../stack-under-test.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what a server answers is what a test is about
  readonly body: any;
}

/** The demo's device as its own board name says it. */
export const REQUEST = {
  version: '24.10.2',
  target: 'demo/generic',
  profile: 'acme,ax3000-v1',
  packages: ['luci'],
} as const;

export async function post(url: string, request: unknown): Promise<Answer> {
  return answerOf(await fetch(`${url}/api/v1/build`, { method: 'POST', body: JSON.stringify(request) }));
}

export async function poll(url: string, hash: string): Promise<Answer> {
  return answerOf(await fetch(`${url}/api/v1/build/${hash}`));
}

async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** Polls until the build has ended; an edge that is away for a while is polled on, as a router does. */
export async function ended(url: string, hash: string, seen: Answer[] = []): Promise<Answer> {
  return until(`build ${hash} ends`, async () => {
    const answer = await poll(url, hash).catch(() => undefined);
    if (answer) seen.push(answer);
    return answer !== undefined && answer.status !== 202 && answer.status < 501 ? answer : undefined;
  });
}

/** Posts and waits. */
export async function built(url: string, request: unknown): Promise<Answer> {
  const first = await post(url, request);
  return first.status === 202 ? ended(url, first.body.request_hash) : first;
}

export async function download(url: string, binDir: string, name: string): Promise<{ sha256: string; bytes: Buffer }> {
  const response = await fetch(`${url}/store/${binDir}/${name}`, { redirect: 'error' });
  if (response.status !== 200) throw new Error(`${name}: status ${response.status}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** What `/healthz` says; 200 or 503. */
// biome-ignore lint/suspicious/noExplicitAny: what a server answers is what a test is about
export async function healthOf(url: string): Promise<any> {
  return (await fetch(`${url}/healthz`)).json();
}
