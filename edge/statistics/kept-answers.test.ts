import { beforeEach, describe, expect, it, vi } from 'vitest';
import { KeptAnswers } from './kept-answers.ts';

let now = 0;
let answers: KeptAnswers<string>;
const LIFE_MS = 1_000;
beforeEach(() => {
  now = 0;
  answers = new KeptAnswers(LIFE_MS, 2, () => now);
});

/** An answer that is made when the test says so. */
function pending() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return { make: () => promise, resolve, reject };
}

describe('an answer', () => {
  it('is made once for all who ask within its life, each question for itself', async () => {
    const make = vi.fn(async () => `made at ${now}`);
    await answers.get('a', make);
    now = LIFE_MS - 1;
    expect([await answers.get('a', make), await answers.get('b', make)]).toEqual(['made at 0', `made at ${now}`]);
    now = LIFE_MS;
    expect(await answers.get('a', make)).toBe(`made at ${LIFE_MS}`);
    expect(make).toHaveBeenCalledTimes(3);
  });

  it('that is too old still does for the others while one makes the next', async () => {
    await answers.get('a', async () => 'old');
    now = LIFE_MS;
    const next = pending();
    const first = answers.get('a', next.make);
    const other = vi.fn(async () => 'never made');
    expect(await answers.get('a', other)).toBe('old');
    expect(other).not.toHaveBeenCalled();
    next.resolve('new');
    expect([await first, await answers.get('a', other)]).toEqual(['new', 'new']);
  });

  it('that somebody has been making for too long is made by the next one', async () => {
    await answers.get('a', async () => 'old');
    now = LIFE_MS;
    void answers.get('a', pending().make);
    now += 5_000;
    expect(await answers.get('a', async () => 'new')).toBe('new');
  });

  it('that cannot be made is an error for who asked for it, and is asked for again', async () => {
    await answers.get('a', async () => 'old');
    now = LIFE_MS;
    await expect(answers.get('a', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(await answers.get('a', async () => 'new')).toBe('new');
  });

  it('is one of so many', async () => {
    for (const question of ['a', 'b', 'c']) await answers.get(question, async () => question);
    const make = vi.fn(async () => 'again');
    expect([await answers.get('c', make), await answers.get('a', make)]).toEqual(['c', 'again']);
  });
});
