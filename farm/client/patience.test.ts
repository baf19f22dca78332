import { describe, expect, test } from 'vitest';
import { NotNow, RequestRefused } from './faults.ts';
import { Patience, type Waiting } from './patience.ts';

const { signal } = new AbortController();

function patient(patienceMs: number) {
  const waits: Waiting[] = [];
  return { patience: new Patience({ patienceMs, onWait: (waiting) => waits.push(waiting) }), waits };
}

describe('patience', () => {
  test('asks again until it works, and says each time what it waits for', async () => {
    const { patience, waits } = patient(60_000);
    let asked = 0;
    const answer = await patience.persist(async () => {
      asked += 1;
      if (asked < 3) throw new NotNow(`away ${asked}`);
      return asked;
    }, signal);
    expect([answer, waits.map(({ reason }) => reason)]).toEqual([3, ['away 1', 'away 2']]);
  });

  test('does not ask before the server wants to be asked', async () => {
    const { patience, waits } = patient(60_000);
    let asked = 0;
    await patience.persist(async () => {
      asked += 1;
      if (asked === 1) throw new NotNow('full', 600);
    }, signal);
    expect(waits[0]?.waitMs).toBeGreaterThanOrEqual(600);
  });

  test.each<[string, number, Error, RegExp]>([
    ['there is none', 0, new NotNow('away'), /^away$/],
    [
      'the server wants more of it',
      1_000,
      new NotNow('full', 60_000),
      /^full \(it wants to be asked again in \d+ s\)$/,
    ],
    ['no asking helps', 60_000, new RequestRefused(400, 'no'), /^no$/],
  ])('ends at once where %s', async (_, patienceMs, error, sentence) => {
    const { patience, waits } = patient(patienceMs);
    let asked = 0;
    const attempt = async () => {
      asked += 1;
      throw error;
    };
    await expect(patience.persist(attempt, signal)).rejects.toThrow(sentence);
    expect([asked, waits]).toEqual([1, []]);
  });

  test('begins anew where something came', async () => {
    const { patience } = patient(700);
    let asked = 0;
    const attempt = async () => {
      asked += 1;
      if (asked <= 4) throw new NotNow('cut', 0, true);
      return asked;
    };
    expect(await patience.persist(attempt, signal)).toBe(5);
  });

  test('ends with the signal, in the middle of a wait', async () => {
    const stop = new AbortController();
    const onWait = () => stop.abort(new Error('stopped by hand'));
    const patience = new Patience({ patienceMs: 3_600_000, onWait });
    const attempt = () => Promise.reject(new NotNow('away', 1_000_000));
    await expect(patience.persist(attempt, stop.signal)).rejects.toThrow('stopped by hand');
  });
});
