import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePort, isFree, notFreeSentence, whyNotFree } from './free-port.ts';

test('ports that are given are below those that the kernel gives, and never given twice', async () => {
  const ports = await Promise.all(Array.from({ length: 100 }, freePort));
  expect(new Set(ports).size).toBe(100);
  for (const port of ports) expect(port).toBeLessThan(32_768);
});

test('a port on which somebody listens is not free', async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  );
  expect(await isFree(port)).toBe(false);
  expect(notFreeSentence(port, (await whyNotFree(port)) ?? '')).toMatch(/^Port \d+ is in use\. Stop what listens/);
  await new Promise((resolve) => server.close(resolve));
  expect(await isFree(port)).toBe(true);
});

test('a port that only another user may listen on is not told as one in use', () => {
  expect(notFreeSentence(80, 'EACCES')).toBe(
    'Port 80 is not for this user (EACCES). Choose one above 1023 with --port N',
  );
});
