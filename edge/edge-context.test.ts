import { expect, test } from 'vitest';
import { env } from './edge.fixture.ts';
import { edgeContext } from './edge-context.ts';
import type { Env } from './env.ts';

test('first requests at once do not wait for each other’s promise, and end with one context', async () => {
  const own = { ...env };
  const promises = [edgeContext(own), edgeContext(own), edgeContext(own)];
  expect(new Set(promises).size).toBe(3);
  const contexts = await Promise.all(promises);
  expect(new Set([...contexts, await edgeContext(own)]).size).toBe(1);
});

test('a context that could not be made is tried again', async () => {
  const own: Record<string, unknown> = { ...env, SERVER_KEY: 'no key' };
  await expect(edgeContext(own as unknown as Env)).rejects.toThrow(/SERVER_KEY/);
  own.SERVER_KEY = env.SERVER_KEY;
  await expect(edgeContext(own as unknown as Env)).resolves.toMatchObject({ env: own });
});
