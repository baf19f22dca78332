import { runInDurableObject } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { beforeAll, expect, test } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { openUpstream } from '../../edge.fixture.ts';
import { type OpenedForeman, openForeman, submission } from '../foreman.fixture.ts';
import { Queue } from '../queue/queue.ts';
import * as schema from '../schema.ts';
import { type NameEntry, NameRegister } from './names.ts';

const DAY_MS = 24 * 3_600_000;
const NAME = '359a2afe0281';
const entry = (fields: Partial<NameEntry> = {}): NameEntry => ({
  identity: sha256Hex('who asks'),
  dialect: 'joined',
  requestHash: sha256Hex('a build'),
  ...fields,
});

beforeAll(async () => {
  await openUpstream();
});

/** Of one Foreman, with its real tables. */
async function withNames<Result>(
  body: (names: NameRegister, queue: Queue) => Result,
  max?: number,
  { stub, calls }: OpenedForeman = openForeman(),
): Promise<Result> {
  await calls.stats();
  return runInDurableObject(stub, (_, { storage }) => {
    const db = drizzle(storage, { schema });
    const queue = new Queue(db);
    return body(new NameRegister(db, queue, max), queue);
  });
}

test('a name that is free is taken, and found', async () => {
  await withNames((names) => {
    expect(names.find(NAME, 1)).toBeNull();
    expect(names.claim(NAME, entry(), 1)).toEqual(entry());
    expect(names.find(NAME, 1)).toEqual(entry());
  });
});

test('the same request leads it to its newer build', async () => {
  await withNames((names) => {
    names.claim(NAME, entry(), 1);
    const newer = entry({ requestHash: sha256Hex('a newer build') });
    expect(names.claim(NAME, newer, 2)).toEqual(newer);
    expect(names.find(NAME, 2)).toEqual(newer);
  });
});

test('another request never takes it over, and is told whose it is', async () => {
  await withNames((names) => {
    names.claim(NAME, entry(), 1);
    const other = entry({ identity: sha256Hex('another'), requestHash: sha256Hex('another build') });
    expect(names.claim(NAME, other, 2)).toEqual(entry());
    expect(names.find(NAME, 3)).toEqual(entry());
  });
});

test('of two generations it leads to the later one, whoever comes last', async () => {
  await withNames((names, queue) => {
    const [one, two] = [1, 2].map(
      (generation) => queue.add(submission(), generation, 1, schema.WHOM.anyone).requestHash,
    );
    names.claim(NAME, entry({ requestHash: two ?? '' }), 1);
    expect(names.claim(NAME, entry({ requestHash: one ?? '' }), 2)?.requestHash).toBe(two);
    expect(names.find(NAME, 3)?.requestHash).toBe(two);
  });
});

test('one that nobody used for long is forgotten, a few at a time; a use is noted once a day', async () => {
  await withNames((names) => {
    for (const name of ['a', 'b', 'c', 'd']) names.claim(name, entry(), 0);
    names.find('a', DAY_MS - 1);
    names.find('b', DAY_MS);
    names.claim('c', entry({ identity: 'another' }), DAY_MS);
    names.forget(DAY_MS, 1);
    expect(['a', 'd'].filter((name) => names.find(name, 0))).toHaveLength(1);
    names.forget(DAY_MS, 10);
    expect(['a', 'b', 'c', 'd'].map((name) => names.find(name, 0) !== null)).toEqual([false, true, true, false]);
  });
});

test('where there is no room nobody gets one, until some are forgotten; whoever has one keeps it', async () => {
  await withNames((names) => {
    expect(['a', 'b', 'c'].map((name, at) => names.claim(name, entry(), at))).toEqual([entry(), entry(), null]);
    expect(names.claim('a', entry(), 5)).toEqual(entry());
    names.forget(1, 10);
    expect(names.claim('c', entry(), 6)).toEqual(entry());
    expect(names.claim('d', entry(), 6)).toBeNull();
  }, 2);
});

test('the alarm forgets what nobody asked for in ninety days', async () => {
  const foreman = openForeman();
  await foreman.calls.claimName('old', entry());
  await foreman.calls.claimName('young', entry());
  await foreman.alter('UPDATE names SET used_at = ? WHERE name = ?', String(Date.now() - 91 * DAY_MS), 'old');
  await foreman.node('a');
  await foreman.submit();
  await foreman.order('a');
  await foreman.alarm();
  expect((await foreman.rows('names')).map(({ name }) => name)).toEqual(['young']);
});

test.each<[string, (names: NameRegister) => unknown]>([
  ['a name', (names) => names.find('x', 1)],
  ['what is to be forgotten', (names) => names.forget(1, 10)],
])('%s is read by an index, and nothing is sorted', async (_, ask) => {
  const { stub, calls } = openForeman();
  await calls.stats();
  const plans = await runInDurableObject(stub, (_, { storage }) => {
    const statements: [string, unknown[]][] = [];
    const logger = { logQuery: (query: string, values: unknown[]) => void statements.push([query, values]) };
    const db = drizzle(storage, { schema, logger });
    ask(new NameRegister(db, new Queue(db)));
    return statements.flatMap(([query, values]) =>
      storage.sql
        .exec<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`, ...(values as string[]))
        .toArray()
        .map((row) => row.detail),
    );
  });
  expect(plans.join('\n')).toMatch(/USING (COVERING )?(INDEX|PRIMARY KEY)/);
  expect(plans.join('\n')).not.toMatch(/SCAN|TEMP B-TREE/);
});
