import { describe, expect, it, test } from 'vitest';
import { AskingTurns, askInTurn } from './ask-in-turn.ts';

const { signal } = new AbortController();

describe('a turn', () => {
  it('is one’s own until it is given back', () => {
    const turns = new AskingTurns();
    const giveBack = turns.take('a');
    expect(giveBack).toBeDefined();
    expect(turns.take('a')).toBeUndefined();
    expect(turns.take('b')).toBeDefined();
    giveBack?.();
    expect(turns.take('a')).toBeDefined();
  });

  it('of somebody who is gone is free again, and what he gives back late is not another’s', () => {
    let now = 1;
    const turns = new AskingTurns({ now: () => now });
    const lost = turns.take('a');
    now += 5_001;
    expect(turns.take('a')).toBeDefined();
    lost?.();
    expect(turns.take('a')).toBeUndefined();
  });
});

test('of many who ask at once one asks, and all have the answer', async () => {
  const turns = new AskingTurns();
  let asked = 0;
  let answer: number | undefined;
  const ask = async () => {
    asked += 1;
    await scheduler.wait(20);
    answer = 42;
    return answer;
  };
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => askInTurn(turns, 'a', () => answer, ask, signal)),
  );
  expect([asked, new Set(answers)]).toEqual([1, new Set([42])]);
});

test('whoever asks in vain lets the next one try', async () => {
  const turns = new AskingTurns();
  let asked = 0;
  const ask = async () => {
    asked += 1;
    if (asked === 1) throw new Error('away');
    return 'there';
  };
  const answers = await Promise.allSettled([1, 2].map(() => askInTurn(turns, 'a', () => undefined, ask, signal)));
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
});

test('whoever goes away waits no longer', async () => {
  const turns = new AskingTurns();
  turns.take('a');
  const gone = new AbortController();
  const waiting = askInTurn(
    turns,
    'a',
    () => undefined,
    async () => 1,
    gone.signal,
  );
  gone.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow();
});
