import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { untilNodePresent } from './until-answers.ts';

const json =
  (body: unknown): RequestListener =>
  (_, response) =>
    void response.end(JSON.stringify(body));

test('a node is waited for through answers that break off, are none, or tell of nobody', async () => {
  const answers: RequestListener[] = [
    (_, response) => void response.destroy(),
    (_, response) => void response.writeHead(500).end('<html>wrangler is not yet awake</html>'),
    json({ status: 503 }),
    json({ parts: { nodes: { up: false, present: 0 } } }),
    json({ parts: { nodes: { up: true, present: 1 } } }),
  ];
  const server = createServer((request, response) => answers.shift()?.(request, response));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await untilNodePresent(url, 60_000)).toBe(true);
  expect(answers).toEqual([]);
});

test('where none comes, that is said', async () => {
  expect(await untilNodePresent('http://127.0.0.1:1', 200)).toBe(false);
});
