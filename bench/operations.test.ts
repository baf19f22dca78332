import { expect, test } from 'vitest';
import { NO_COUNTS } from './counters.ts';
import { brokenLimits } from './operations.ts';

const HIT = { name: 'cached POST', maxForemanShare: 0 } as const;

test.each([
  ['all in memory', HIT, NO_COUNTS, 0],
  ['a result in ten from KV', HIT, { ...NO_COUNTS, resultReads: 10, kvReads: 10 }, 0],
  ['two reads of results a request', HIT, { ...NO_COUNTS, resultReads: 200 }, 1],
  ['most results from KV', HIT, { ...NO_COUNTS, resultReads: 60, kvReads: 60 }, 1],
  ['a document that is looked at again', HIT, { ...NO_COUNTS, catalogueReads: 12 }, 0],
  ['a document that is read each time', HIT, { ...NO_COUNTS, catalogueReads: 100, kvReads: 100 }, 2],
  ['one call to the Foreman for a hit', HIT, { ...NO_COUNTS, foremanCalls: 1 }, 1],
  [
    'one where some are let through',
    { name: '404', maxForemanShare: 0.01 } as const,
    { ...NO_COUNTS, foremanCalls: 1 },
    0,
  ],
])('of 100 requests, %s', (_, of, counts, broken) => {
  expect(brokenLimits(of, counts, { requests: 100, rounds: 1, connections: 4 })).toHaveLength(broken);
});
