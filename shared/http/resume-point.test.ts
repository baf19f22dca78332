import { describe, expect, it, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { eventId, leaseMark, type ResumePoint, resumePoint } from './resume-point.ts';

const mark = leaseMark('5b0c9c3e-6a0c-4a8b-9f43-5d1f6f0f7a11');

test.each<[string, ResumePoint]>([
  ['start', { kind: 'start' }],
  ['end', { kind: 'end' }],
  [`${mark}.0`, { kind: 'log', mark, piece: 0 }],
  [`${mark}.1`, { kind: 'log', mark, piece: 1 }],
  [`${mark}.128`, { kind: 'log', mark, piece: 128 }],
])('%s is an id, and comes back as what it was made from', (id, point) => {
  expect(resumePoint(id)).toEqual(point);
  expect(eventId(point)).toBe(id);
});

describe('is no id of ours', () => {
  it.each([
    [''],
    ['END'],
    [' end'],
    ['end\n'],
    ['start.1'],
    [mark],
    [`${mark}.`],
    [`${mark}:1`],
    [`${mark}.01`],
    [`${mark}.-1`],
    [`${mark}.1e1`],
    [`${mark}.129`],
    [`${mark}.99999`],
    [`${mark.toUpperCase()}.1`],
    [`${mark}0.1`],
    [`${mark}.1.1`],
    [`${mark}.1\r\nx: y`],
    ['__proto__'],
  ])('%j', (id) => {
    expect(resumePoint(id)).toBeNull();
  });

  it('whatever is made up', () => {
    fc.assert(
      fc.property(fc.string(), (id) => {
        const point = resumePoint(id);
        expect(point === null || eventId(point) === id).toBe(true);
      }),
    );
  });
});

test('a try is told apart from another without telling its name', () => {
  expect(mark).toMatch(/^[0-9a-f]{16}$/);
  expect(leaseMark('other')).not.toBe(mark);
  expect('5b0c9c3e-6a0c-4a8b-9f43-5d1f6f0f7a11').not.toContain(mark.slice(0, 8));
});
