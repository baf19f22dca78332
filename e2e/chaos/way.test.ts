import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Listening, listening } from '../listening.ts';
import { openWay, type Way } from './way.ts';

let server: Listening;
let way: Way;

beforeAll(async () => {
  const hang = '/never';
  server = await listening(
    createServer((incoming, outgoing) => {
      if (incoming.url !== hang) outgoing.end('x'.repeat(100_000));
    }),
  );
  way = await openWay(server.url);
});
afterEach(() => way.set('open'));
afterAll(async () => {
  await way.close();
  await server.close();
});

const bytes = async () => (await (await fetch(`${way.url}/file`)).arrayBuffer()).byteLength;

test('a way that is open lets everything through', async () => {
  expect(await bytes()).toBe(100_000);
});

test('a way that is cut lets nobody on, and throws off who is on it; mended, it is as before', async () => {
  const waiting = fetch(`${way.url}/never`);
  waiting.catch(() => undefined);
  expect(await bytes()).toBe(100_000);
  way.set('cut');
  await expect(waiting).rejects.toThrow();
  await expect(bytes()).rejects.toThrow();
  way.set('open');
  expect(await bytes()).toBe(100_000);
});

test('a way that is slow lets everything through, and takes its time for it', async () => {
  way.set('slow');
  const startedAt = performance.now();
  expect(await bytes()).toBe(100_000);
  expect(performance.now() - startedAt).toBeGreaterThan(1_000);
});
