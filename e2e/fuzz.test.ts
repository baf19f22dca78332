/**
 * A hundred thousand requests that nobody should send, over all routes, against the real edge in plain workerd. Every answer
 * keeps the rules of fuzz/broken-rule.ts, and memory stays what it was: a server on the open internet gets these every day.
 *
 *     FUZZ_SEED=… FUZZ_REQUESTS=… npx --no-install vitest run --project e2e e2e/fuzz.test.ts
 *
 * sends others, or more.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FUZZ_SEED } from '../shared/chance.fixture.ts';
import { arbitraryRequest } from './fuzz/arbitrary-request.ts';
import { corpus } from './fuzz/corpus.ts';
import { runLanes, sendOne } from './fuzz/fuzz-lanes.ts';
import { type FuzzServer, type Memory, startFuzzServer } from './fuzz/fuzz-server.ts';
import { FuzzTally } from './fuzz/fuzz-tally.ts';
import { KeepAliveConnection } from './fuzz/keep-alive-connection.ts';
import { asInTable, ROUTES } from './fuzz/routes.ts';

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 100_000);
/** It takes two minutes; where others use the machine too, longer. */
const PATIENCE_MS = 30 * 60_000;
/** Garbage is collected so often; else memory tells how much of it there was between two collections. */
const LOOK_EVERY = 1_000;
/** Caches still fill after a third; a leak of two hundred bytes a request would be more than this. */
const MAX_HEAP_GROWTH_BYTES = 12e6;
const MAX_GROWTH_BYTES = 64e6;

let fuzzed: FuzzServer;
const log: string[] = [];

beforeAll(async () => {
  fuzzed = await startFuzzServer((line) => log.push(line));
});
afterAll(() => fuzzed?.server.stop());

test('no route is forgotten', async () => {
  const document = (await (await fetch(`${fuzzed.server.edgeUrl}/openapi.json`)).json()) as { paths: object };
  const table = ROUTES.map(({ path }) => path);
  const paths = Object.keys(document.paths).map(asInTable);
  expect(paths.filter((path) => !table.includes(path))).toEqual([]);
});

test('every trick of the corpus is answered by the rules', async () => {
  const tally = new FuzzTally();
  const broken: string[] = [];
  for (const request of corpus(fuzzed.known)) {
    const connection = new KeepAliveConnection(fuzzed.port);
    await sendOne(connection, request, tally).catch((error: Error) => broken.push(error.message));
    connection.close();
  }
  console.log(`corpus: ${tally}`);
  expect(broken).toEqual([]);
});

const random = async (): Promise<void> => {
  console.log(`FUZZ_SEED=${FUZZ_SEED}`);
  const tally = new FuzzTally();
  const memories: Memory[] = [];
  let looking: Promise<unknown> = Promise.resolve();
  const onAnswer = () => {
    if (tally.sent % LOOK_EVERY === 0)
      looking = looking.then(async () => {
        memories.push(await fuzzed.memory());
      });
  };
  const arbitrary = arbitraryRequest(fuzzed.known);
  try {
    await runLanes({ port: fuzzed.port, arbitrary, requests: REQUESTS, seed: FUZZ_SEED, tally, onAnswer });
  } finally {
    console.log(String(tally));
  }
  await looking;
  const [before, after] = [memories[Math.floor(memories.length / 3)], await fuzzed.memory()];
  if (!before) throw new Error(`expected more than ${LOOK_EVERY} requests`);
  const both = (bytes: (memory: Memory) => number) => [before, after].map((of) => `${(bytes(of) / 1e6).toFixed(1)} MB`);
  console.log(
    `memory after a third and at the end: heap ${both(({ heapBytes }) => heapBytes).join(', ')}; process ${both(({ residentBytes }) => residentBytes).join(', ')}`,
  );
  const tenths = Array.from({ length: 10 }, (_, n) => memories[Math.floor((n * memories.length) / 10)]);
  console.log(
    `process meanwhile: ${tenths.map((of) => `${Math.round((of?.residentBytes ?? 0) / 1e6)} MB`).join(', ')}`,
  );
  expect(after.heapBytes - before.heapBytes, 'growth of the heap').toBeLessThan(MAX_HEAP_GROWTH_BYTES);
  expect(after.residentBytes - before.residentBytes, 'growth of the process').toBeLessThan(MAX_GROWTH_BYTES);
  // It came past the first checks, and to every kind of answer.
  for (const status of [200, 202, 204, 206, 304, 400, 401, 404, 405, 413, 422, 429, 500, 503])
    expect(tally.withStatus(status), `answers with status ${status}`).toBeGreaterThan(0);
  expect(tally.of('refused by the runtime')).toBeLessThan(REQUESTS / 5);
  expect(tally.of('no answer')).toBeLessThan(REQUESTS / 20);
};
test(`so are ${REQUESTS} random ones, and memory stays what it was`, random, PATIENCE_MS);

test('nothing was thrown meanwhile that nobody caught, and all is served as before', async () => {
  expect(log.filter((line) => /^\w*Error\b/.test(line))).toEqual([]);
  const [hash, file] = [fuzzed.known.hashes[0], fuzzed.known.files[0]];
  for (const path of ['/healthz', `/api/v1/build/${hash}`, `/store/${hash}/${file}`])
    expect([path, (await fetch(fuzzed.server.edgeUrl + path)).status]).toEqual([path, 200]);
});
