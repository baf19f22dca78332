/**
 * A hundred thousand requests that nobody should send, over all routes, against the real edge in plain workerd. Every answer
 * keeps the rules of fuzz/broken-rule.ts, and memory stays what it was: a server on the open internet gets these every day.
 *
 *     FUZZ_SEED=… FUZZ_REQUESTS=… npx --no-install vitest run --project e2e e2e/fuzz.test.ts
 *
 * sends the same ones again, or more.
 */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { arbitraryRequest } from './fuzz/arbitrary-request.ts';
import { verdictOn } from './fuzz/broken-rule.ts';
import { corpus } from './fuzz/corpus.ts';
import { type FuzzServer, type Memory, startFuzzServer } from './fuzz/fuzz-server.ts';
import { FuzzTally } from './fuzz/fuzz-tally.ts';
import { KeepAliveConnection } from './fuzz/keep-alive-connection.ts';
import { printable, type RawRequest } from './fuzz/raw-request.ts';
import { asInTable, ROUTES } from './fuzz/routes.ts';

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 100_000);
const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));
/** Connections, each with a part of the requests, in order and kept alive. */
const LANES = 8;
/** Caches still fill after a third; a leak of two hundred bytes a request would be more than this. */
const MAX_HEAP_GROWTH_BYTES = 12e6;
const MAX_GROWTH_BYTES = 64e6;

let fuzzed: FuzzServer;
const lines: string[] = [];

beforeAll(async () => {
  fuzzed = await startFuzzServer((line) => lines.push(line));
});
afterAll(() => fuzzed?.server.stop());

/** @throws Error with the rule and the request */
async function send(connection: KeepAliveConnection, request: RawRequest, tally: FuzzTally): Promise<void> {
  const answer = await connection.exchange(request).catch((cause: unknown) => {
    connection.close();
    throw new Error(`expected an answer\n${printable(request)}`, { cause });
  });
  const verdict = verdictOn(request, answer);
  tally.add(verdict, answer);
  if (verdict.kind === 'broken') throw new Error(`${verdict.rule}\n${answer.status}\n${printable(request)}`);
}

test('no route is forgotten', async () => {
  const document = (await (await fetch(`${fuzzed.server.edgeUrl}/openapi.json`)).json()) as { paths: object };
  const table = ROUTES.map(({ path }) => path);
  expect(
    Object.keys(document.paths)
      .map(asInTable)
      .filter((path) => !table.includes(path)),
  ).toEqual([]);
});

test('every trick of the corpus is answered by the rules', async () => {
  const tally = new FuzzTally();
  const broken: string[] = [];
  for (const request of corpus(fuzzed.known)) {
    const connection = new KeepAliveConnection(fuzzed.port);
    await send(connection, request, tally).catch((error: Error) => broken.push(error.message));
    connection.close();
  }
  console.log(`corpus: ${tally}`);
  expect(broken).toEqual([]);
});

test(`so are ${REQUESTS} random ones, and memory stays what it was`, async () => {
  console.log(`FUZZ_SEED=${SEED}`);
  const tally = new FuzzTally();
  const arbitrary = arbitraryRequest(fuzzed.known);
  let warm: Promise<Memory> | undefined;
  let failure: unknown;
  const runLane = async (number: number): Promise<void> => {
    const connection = new KeepAliveConnection(fuzzed.port);
    const property = fc.asyncProperty(arbitrary, async (request) => {
      await send(connection, request, tally);
      if (tally.sent >= REQUESTS / 3) warm ??= fuzzed.memory();
    });
    // A failure of one lane shrinks in peace, and says how to come to it again; the others go on meanwhile.
    await fc.assert(property, { numRuns: Math.ceil(REQUESTS / LANES), seed: SEED + number }).catch((error: unknown) => {
      failure ??= error;
    });
    connection.close();
  };
  await Promise.all(Array.from({ length: LANES }, (_, number) => runLane(number)));
  console.log(String(tally));
  if (failure) throw failure;

  const [before, after] = [await warm, await fuzzed.memory()];
  if (!before) throw new Error('expected a third of the requests to have been sent');
  const grown = { heap: after.heapBytes - before.heapBytes, resident: after.residentBytes - before.residentBytes };
  console.log(
    `memory after a third and at the end: heap ${mb(before.heapBytes)} and ${mb(after.heapBytes)}, process ${mb(before.residentBytes)} and ${mb(after.residentBytes)}`,
  );
  expect(grown.heap, 'growth of the heap').toBeLessThan(MAX_HEAP_GROWTH_BYTES);
  expect(grown.resident, 'growth of the process').toBeLessThan(MAX_GROWTH_BYTES);
  // It came past the first checks, and to every kind of answer.
  for (const status of [200, 202, 204, 304, 400, 401, 404, 405, 413, 422, 429, 500, 503])
    expect(tally.withStatus(status), `answers with status ${status}`).toBeGreaterThan(0);
  expect(tally.of('refused by the runtime')).toBeLessThan(REQUESTS / 5);
  expect(tally.of('no answer')).toBeLessThan(REQUESTS / 20);
});

test('and afterwards it serves as before', async () => {
  expect((await fetch(`${fuzzed.server.edgeUrl}/healthz`)).status).toBe(200);
  const [hash, file] = [fuzzed.known.hashes[0], fuzzed.known.files[0]];
  expect((await fetch(`${fuzzed.server.edgeUrl}/api/v1/build/${hash}`)).status).toBe(200);
  expect((await fetch(`${fuzzed.server.edgeUrl}/store/${hash}/${file}`)).status).toBe(200);
});

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
