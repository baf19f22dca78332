import { beforeAll, expect, test, vi } from 'vitest';
import { ask, foremanStats, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import { LIFETIMES } from '../lifetimes.ts';

let hashes: string[] = [];

beforeAll(async () => {
  await openUpstream();
  const answers = await Promise.all(
    ['curl', 'vim', 'luci'].map(async (name) => jsonOf(await post({ ...GOOD_REQUEST, packages: [name] }))),
  );
  hashes = answers.map((answer) => String(answer.request_hash));
});

const poll = async (hash: string | undefined) => (await ask(`/api/v1/build/${hash}`)).status;
const asked = async () => (await foremanStats()).calls.status ?? 0;

test('of a hundred who poll for one build in the same moment, one asks the Foreman', async () => {
  await scheduler.wait(LIFETIMES.runningMs + 100);
  const [before, begun] = [await asked(), performance.now()];
  const statuses = await Promise.all(Array.from({ length: 100 }, () => poll(hashes[0])));
  expect(new Set(statuses)).toEqual(new Set([202]));
  // One for as long as an answer stands, however long a slow machine needs for a hundred of them.
  const times = 1 + Math.ceil((performance.now() - begun) / LIFETIMES.runningMs);
  expect((await asked()) - before).toBeLessThanOrEqual(times);
});

/** So often the Foreman is asked for all of them, where each is polled for some time after it was answered. */
const expectAsked = (times: number, meanwhile: () => Promise<unknown> = async () => undefined): Promise<void> =>
  // Nobody can say how fast this machine is: some round is fast enough to find the second answer still fresh.
  vi.waitFor(
    async () => {
      for (const hash of hashes) expect(await poll(hash)).toBe(202);
      for (const hash of hashes) await poll(hash);
      await scheduler.wait(LIFETIMES.runningMs + 100);
      const before = await asked();
      await meanwhile();
      for (const hash of hashes) expect(await poll(hash)).toBe(202);
      expect((await asked()) - before).toBe(times);
    },
    { timeout: 30_000, interval: 10 },
  );

test('who asks for one build also asks for those that others poll for', () => expectAsked(1));

test('who asks for a new image asks for those that others poll for as well', async () => {
  let wishes = 0;
  await expectAsked(0, () => post({ ...GOOD_REQUEST, packages: [`wish-${++wishes}`] }));
});
