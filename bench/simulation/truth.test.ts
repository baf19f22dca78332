import { beforeEach, expect, test } from 'vitest';
import { buildRecord, failureRecord } from '../../shared/build/build-record.fixture.ts';
import type { StoredResult } from '../../shared/build/build-record.ts';
import { filesOf } from './built-files.ts';
import { honestOutcome } from './node-model.ts';
import { Truth } from './truth.ts';
import { type Wish, Wishes } from './wishes.ts';

const wishes = new Wishes(1);
const some = Array.from({ length: 400 }, (_, number) => wishes.wish(number));
const first = (isOne: (wish: Wish) => boolean): Wish => some.find(isOne) as Wish;
const possible = first(({ failure }) => failure === null);
const impossible = first(({ failure }) => failure !== null);

function built({ intentHash }: Wish, image: string): StoredResult {
  const record = buildRecord({ intentHash });
  const files = filesOf(record, image);
  const images = files.slice(0, 2).map((file) => ({ ...file, type: 'sysupgrade', filesystem: 'squashfs' }));
  return { kind: 'built', record: { ...record, files, images } };
}
const failed = ({ intentHash }: Wish, kind: 'image_too_big' | 'conflict'): StoredResult => ({
  kind: 'failed',
  failure: failureRecord({ intentHash, kind }),
});
function honest(wish: Wish): string {
  const outcome = honestOutcome(wish);
  return outcome.says === 'image' ? outcome.image : '';
}

let truth: Truth;
beforeEach(() => {
  truth = new Truth((intentHash) => wishes.ofIntent(intentHash));
});

test.each<[what: string, stored: StoredResult, wrong: readonly string[]]>([
  ['the image that every honest node makes', built(possible, honest(possible)), []],
  ['another image', built(possible, 'wrong'), ['image']],
  ['an image of another request', built(possible, honest(first((wish) => wish !== possible))), ['image']],
  ['an image of what cannot be built', built(impossible, 'wrong'), ['image']],
  ['the failure that it is', failed(impossible, 'image_too_big'), []],
  ['another failure', failed(impossible, 'conflict'), ['failure']],
  ['a failure of what can be built', failed(possible, 'image_too_big'), ['failure']],
])('%s is seen for what it is', (_, stored, wrong) => {
  truth.publish('a', stored, 1);
  expect(truth.wrong.map(({ says }) => says)).toEqual(wrong);
  expect(truth.published).toBe(1);
});

test('a wrong image that is taken back was served until then, however often it is removed', () => {
  truth.publish('a', built(possible, 'wrong'), 10);
  truth.publish('a', built(possible, 'wrong'), 11);
  truth.withdraw('a', 30);
  truth.withdraw('a', 40);
  expect(truth.wrong).toEqual([{ requestHash: 'a', says: 'image', publishedAt: 10, withdrawnAt: 30 }]);
  expect(truth.withdrawn).toEqual(new Set(['a']));
});

test('what is wrong once more after it was taken back counts once more', () => {
  truth.publish('a', built(possible, 'wrong'), 10);
  truth.withdraw('a', 20);
  truth.publish('a', built(possible, 'wrong'), 30);
  expect(truth.wrong.map(({ withdrawnAt }) => withdrawnAt)).toEqual([20, null]);
});
