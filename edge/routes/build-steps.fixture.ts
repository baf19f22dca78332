/** The steps of a build as tests of the v1 rules take them: asked for, built with all that waits, seen by a poll. */
import { expect, vi } from 'vitest';
import { ask, GOOD_REQUEST, jsonOf, post } from '../edge.fixture.ts';
import { type Credentials, finish, lease } from '../nodes/farm-node.fixture.ts';

let wishes = 0;

/** A request for an image that no other test asks for. */
export const wish = () => ({ ...GOOD_REQUEST, packages: [`wish-${++wishes}`] });

/** Asks, and expects to be answered by a build. */
export async function hashOf(request: object): Promise<string> {
  const response = await post(request);
  const { request_hash } = await jsonOf(response);
  expect([200, 202]).toContain(response.status);
  return String(request_hash);
}

/** Has what waits built, so that the next test finds no order of this one. */
export async function emptyQueue(node: Credentials): Promise<void> {
  for (let next = await lease(node); next; next = await lease(node)) await finish(node, next);
}

/** Polls until the build is said to be there: what was said of it while it was pending stands for a moment. */
export const until = (hash: string, status: string): Promise<Response> =>
  vi.waitFor(
    async () => {
      const answer = await ask(`/api/v1/build/${hash}`);
      expect(answer.headers.get('x-imagebuilder-status')).toBe(status);
      return answer;
    },
    { timeout: 30_000 },
  );
