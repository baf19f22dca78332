import { afterEach, expect, test, vi } from 'vitest';
import { isOfDurableObject, isPassing } from './durable-object-error.ts';
import { errorAnswer } from './http/answer.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const thrown = (marks: object): Error => Object.assign(new Error('why'), marks);

test.each<[string, unknown, { isOfObject: boolean; passes: boolean; status: number }]>([
  ['was thrown in the object', thrown({ remote: true }), { isOfObject: true, passes: false, status: 503 }],
  [
    'says that the object was restarted',
    thrown({ durableObjectReset: true }),
    { isOfObject: true, passes: false, status: 503 },
  ],
  ['says that it is out of reach', thrown({ retryable: true }), { isOfObject: true, passes: true, status: 503 }],
  [
    'says that it has too much to do',
    thrown({ retryable: true, overloaded: true }),
    { isOfObject: true, passes: false, status: 503 },
  ],
  ['says no more than this', thrown({ overloaded: true }), { isOfObject: true, passes: false, status: 503 }],
  ['is of this code', new TypeError('why'), { isOfObject: false, passes: false, status: 500 }],
  ['is marked as none of these', thrown({ remote: false }), { isOfObject: false, passes: false, status: 500 }],
  ['is no error at all', undefined, { isOfObject: false, passes: false, status: 500 }],
  ['is a text', 'why', { isOfObject: false, passes: false, status: 500 }],
])('what %s', (_, error, { isOfObject, passes, status }) => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  expect([isOfDurableObject(error), isPassing(error), errorAnswer(error).status]).toEqual([isOfObject, passes, status]);
});
