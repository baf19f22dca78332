import { describe, expect, it, test } from 'vitest';
import { GRACE_MS, imagesToRemove, type KeptImage, SERVED_GRAIN_MS } from './image-budget.ts';

const NOW = 1_800_000_000_000;
/** Served so many hours ago. */
const image = (hours: number, bytes = 10): KeptImage => ({
  requestHash: `${hours} h`,
  bytes,
  servedAt: NOW - hours * 3_600_000,
});
const grace = GRACE_MS / 3_600_000;

describe('images go', () => {
  it.each<[string, { images: KeptImage[]; kept: number; budget: number; go: string[] }]>([
    ['none below the budget', { images: [image(9)], kept: 99, budget: 100, go: [] }],
    ['none at the budget', { images: [image(9)], kept: 100, budget: 100, go: [] }],
    ['none without a budget', { images: [image(9)], kept: 100, budget: 0, go: [] }],
    ['one for one byte too many', { images: [image(9), image(8)], kept: 101, budget: 100, go: ['9 h'] }],
    ['as many as it takes', { images: [image(9), image(8), image(7)], kept: 111, budget: 100, go: ['9 h', '8 h'] }],
    [
      'those that were served least lately, be they small or large',
      { images: [image(9, 1), image(8, 500), image(7)], kept: 110, budget: 100, go: ['9 h', '8 h'] },
    ],
    [
      'all that there are, if that is not enough',
      { images: [image(9), image(8)], kept: 500, budget: 1, go: ['9 h', '8 h'] },
    ],
    ['at the end of their grace', { images: [image(grace)], kept: 500, budget: 1, go: [`${grace} h`] }],
    ['not within their grace', { images: [image(grace - 0.001)], kept: 500, budget: 1, go: [] }],
    ['only those that are out of it', { images: [image(9), image(1), image(0)], kept: 500, budget: 1, go: ['9 h'] }],
    ['of none none', { images: [], kept: 500, budget: 1, go: [] }],
  ])('%s', (_, { images, kept, budget, go }) => {
    expect(imagesToRemove(images, kept, budget, NOW).map(({ requestHash }) => requestHash)).toEqual(go);
  });
});

test('that an image was served is noted well within its grace', () => {
  expect([GRACE_MS, SERVED_GRAIN_MS]).toEqual([7_200_000, 3_600_000]);
});

test('those that come behind a younger one are not looked at: they come in the order in which they were served', () => {
  expect(imagesToRemove([image(1), image(9)], 500, 1, NOW)).toEqual([]);
});
