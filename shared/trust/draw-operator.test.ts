import { expect, test } from 'vitest';
import { DRAW_PATIENCE_MS, isDrawn } from './draw-operator.ts';

const crowd = Array.from({ length: 10 }, (_, at) => `op-${at}`);
const drawn = (draw: string, waitedMs: number, able: readonly string[] = crowd): string[] =>
  able.filter((operator) => isDrawn(operator, able, draw, waitedMs));

test('one operator is drawn, and another one with each time that passes in vain', () => {
  for (const [at, waitedMs] of [0, DRAW_PATIENCE_MS - 1, DRAW_PATIENCE_MS, 3 * DRAW_PATIENCE_MS, 1e9].entries())
    expect(drawn('secret', waitedMs)).toHaveLength([1, 1, 2, 4, 10][at] ?? 0);
});

test('who was drawn stays it while others wait for their turn', () => {
  const [first] = drawn('secret', 0);
  for (let waited = 0; waited < 9; waited += 1) expect(drawn('secret', waited * DRAW_PATIENCE_MS)).toContain(first);
});

test('every operator has the same chance, however many nodes it has', () => {
  const many = [...Array.from({ length: 90 }, () => 'op-0'), ...crowd];
  const counts = new Map<string, number>();
  for (let at = 0; at < 2_000; at += 1)
    for (const operator of crowd)
      if (isDrawn(operator, many, `build ${at}`, 0)) counts.set(operator, (counts.get(operator) ?? 0) + 1);
  expect(counts.size).toBe(10);
  for (const n of counts.values()) {
    // Of 2,000 draws 200 each; 60 is more than four standard deviations.
    expect(n).toBeGreaterThan(140);
    expect(n).toBeLessThan(260);
  }
});

test('who is alone is drawn', () => {
  expect(isDrawn('op', ['op'], 'x', 0)).toBe(true);
  expect(isDrawn('op', [], 'x', 0)).toBe(true);
});
