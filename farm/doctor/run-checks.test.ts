import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Check, type Finding, ok, type Patient, problem } from './check.ts';
import { type Examined, runChecks } from './run-checks.ts';

const patientWith = (signal = new AbortController().signal): Patient => ({
  stateDirectory: '/nowhere',
  edgeUrl: null,
  upstreamUrl: null,
  toolDirectories: [],
  reach: async () => ({ state: 'failed', reason: 'not asked' }),
  fence: async () => ({ kind: 'none', canOverlay: false, told: 'none', host: null }),
  signal,
});

const check = (id: string, run: Check['run'], more: Partial<Check> = {}): Check => ({
  id,
  patienceMs: 60_000,
  run,
  ...more,
});

async function all(checks: readonly Check[], patient = patientWith()): Promise<Examined[]> {
  const examined: Examined[] = [];
  for await (const one of runChecks(checks, patient, 10)) examined.push(one);
  return examined;
}

const textsOf = (examined: readonly Examined[]) =>
  examined.map(({ check: id, findings }) => [id, ...findings.map(({ text }) => text)]);

test('findings come in the order of the list, whoever is ready first', async () => {
  const slow = Promise.withResolvers<Finding>();
  const told = await all([
    check('slow', () => slow.promise),
    check('quick', async () => {
      slow.resolve(ok('at last'));
      return [ok('one'), problem('two', 'mend it')];
    }),
    check('silent', async () => []),
  ]);
  expect(textsOf(told)).toEqual([['slow', 'at last'], ['quick', 'one', 'two'], ['silent']]);
});

test('a heavy one begins when all others have ended', async () => {
  const running = new Set<string>();
  const busy = (id: string) => async () => {
    running.add(id);
    await sleep(20);
    running.delete(id);
    return ok(id);
  };
  let beside: string[] | undefined;
  await all([
    check('first', busy('first')),
    check(
      'heavy',
      async () => {
        beside = [...running];
        return ok('heavy');
      },
      { isHeavy: true },
    ),
    check('last', busy('last')),
  ]);
  expect(beside).toEqual([]);
});

test('one that throws and one that hangs are problems, with something to do, and keep nobody else away', async () => {
  const told = await all([
    check('throws', async () => {
      throw new Error('EIO: of the disk');
    }),
    check('hangs', () => new Promise(() => {}), { patienceMs: 20 }),
    check('works', async () => ok('fine')),
  ]);
  expect(textsOf(told)).toEqual([
    ['throws', 'it could not be checked: EIO: of the disk'],
    ['hangs', 'no end within 0 s'],
    ['works', 'fine'],
  ]);
  for (const { findings } of told.slice(0, 2))
    expect(findings).toEqual([expect.objectContaining({ state: 'problem', fix: expect.any(String) })]);
});

test('one whose time is over is told so by its signal, and may tidy up', async () => {
  let hasTidied = false;
  const waits = check(
    'waits',
    ({ signal }) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          hasTidied = true;
          reject(signal.reason);
        }),
      ),
    { patienceMs: 20 },
  );
  expect(textsOf(await all([waits]))).toEqual([['waits', 'no end within 0 s']]);
  expect(hasTidied).toBe(true);
});

test('stopped, it ends with the reason, after what runs has tidied up, and begins nothing more', async () => {
  const stop = new AbortController();
  let hasTidied = false;
  let hasBegun = false;
  const checks = [
    check(
      'runs',
      ({ signal }) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => {
            hasTidied = true;
            resolve(ok('tidied'));
          }),
        ),
    ),
    check(
      'heavy',
      async () => {
        hasBegun = true;
        return ok('');
      },
      { isHeavy: true },
    ),
  ];
  const running = all(checks, patientWith(stop.signal));
  stop.abort(new Error('stopped by hand'));
  await expect(running).rejects.toThrow('stopped by hand');
  expect([hasTidied, hasBegun]).toEqual([true, false]);
});
