import { expect, test } from 'vitest';
import { idealEnds } from './ideal-farm.ts';

const always = [[0, 1_000]] as const;
const build = (at: number, workMs = 10) => ({ at, workMs });

test.each([
  { name: 'one slot does one after the other', nodes: [{ slots: 1, slowness: 1, up: always }], ends: [11, 22, 33] },
  { name: 'two slots do two at once', nodes: [{ slots: 2, slowness: 1, up: always }], ends: [11, 11, 22] },
  { name: 'a slow node takes longer', nodes: [{ slots: 1, slowness: 2, up: always }], ends: [21, 42, 63] },
  {
    name: 'nothing is begun that would be lost',
    nodes: [
      {
        slots: 1,
        slowness: 1,
        up: [
          [0, 25],
          [100, 1_000],
        ] as const,
      },
    ],
    ends: [11, 22, 111],
  },
  {
    name: 'a node that goes for good',
    nodes: [{ slots: 1, slowness: 1, up: [[0, 15]] as const }],
    ends: [11, Infinity, Infinity],
  },
])('$name', ({ nodes, ends }) => {
  expect(idealEnds([build(0), build(0), build(0)], nodes, 1)).toEqual(ends);
});

test('what comes later is begun when it comes', () => {
  expect(idealEnds([build(0), build(50)], [{ slots: 1, slowness: 1, up: always }], 0)).toEqual([10, 60]);
});
