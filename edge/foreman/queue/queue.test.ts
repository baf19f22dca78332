import { expect, test } from 'vitest';
import { openForeman, plansOf } from '../foreman.fixture.ts';
import * as schema from '../schema.ts';
import { Queue } from './queue.ts';

/** What runs at each poll, lease or alarm. A table scanned or sorted there is a Foreman that stops at a few thousand builds. */
const OFTEN: readonly [string, (queue: Queue) => unknown][] = [
  ['the newest build of an intent', (queue) => queue.newest('i')],
  ['a build by its name', (queue) => queue.byHash('h')],
  ['what may be leased', (queue) => queue.line.candidates(1, Object.values(schema.WHOM), 32)],
  ['the next page of it', (queue) => queue.line.candidates(1, [schema.WHOM.another], 32, { turn: 3, sequence: 5 })],
  ['how many are ahead', (queue) => queue.line.ahead({ turn: 3, sequence: 7 })],
  ['how many are under way', (queue) => queue.live()],
  ['the next turn of a client', (queue) => queue.turns.next('c')],
  ['clients whose turn has passed', (queue) => queue.turns.forgetPassed(9)],
  ['a place in the queue', (queue) => queue.line.position({ sequence: 7 })],
  ['builds that nobody polls for', (queue) => queue.polls.noneSince(7, 9)],
  ['when somebody asked last for the one least asked for', (queue) => queue.polls.earliest()],
  ['how many wait', (queue) => queue.waiting()],
  ['when a postponed build is due', (queue) => queue.nextPostponed(1)],
  ['recent durations', (queue) => queue.recentDurations(21)],
  ['whether something is to be published', (queue) => queue.isPublishing()],
  ['what is to be published', (queue) => queue.publishing(0, 16)],
  ['what is to be removed', (queue) => queue.ended.expired(1, 1)],
  ['when something is to be removed', (queue) => queue.ended.nextExpiry()],
];

test.each(OFTEN)('%s is read by an index, and nothing is sorted', async (_, ask) => {
  const { stub, calls } = openForeman();
  await calls.stats();
  const plans = await plansOf(stub, (db) => ask(new Queue(db)));
  expect(plans.length).toBeGreaterThan(0);
  for (const plan of plans)
    expect(plan).toMatch(/USING (COVERING )?INDEX|^(MULTI-INDEX OR|(INDEX|LIST SUBQUERY) \d+)$/);
});
