import { describe, expect, it, test } from 'vitest';
import { LIFETIMES } from '../lifetimes.ts';
import { LogPermits } from './log-permits.ts';

const KEY = new Uint8Array(32).fill(7);

/** Permits under a clock, and what the Foreman was asked. */
function scene(answers: Readonly<Record<string, string | null>> = {}) {
  const clock = { at: 1, now: () => clock.at };
  const permits = new LogPermits(KEY, clock);
  const asked: string[] = [];
  const refuse = (node: string, lease: string, permit = '') =>
    permits.refuse(node, lease, permit, async (...who) => {
      asked.push(who.join(' '));
      return answers[who.join(' ')] ?? null;
    });
  return { clock, permits, asked, refuse };
}

describe('a permit that came with an order', () => {
  it('is good in every isolate, and nobody is asked', async () => {
    const { permits } = scene();
    const { clock, asked, refuse } = scene();
    const permit = permits.give('a', '1');
    expect(await refuse('a', '1', permit)).toBeNull();
    clock.at += LIFETIMES.orderPermitMs - 1;
    expect(await refuse('a', '1', permit)).toBeNull();
    expect(asked).toEqual([]);
  });

  it('ends, and then the Foreman is asked as if there were none', async () => {
    const { clock, permits, asked, refuse } = scene({ 'a 1': 'the lease is over' });
    const permit = permits.give('a', '1');
    clock.at += LIFETIMES.orderPermitMs;
    expect(await refuse('a', '1', permit)).toBe('the lease is over');
    expect(asked).toEqual(['a 1']);
  });

  it.each([
    ['of another lease', ({ permits }: ReturnType<typeof scene>) => permits.give('a', '2')],
    ['of another node', ({ permits }: ReturnType<typeof scene>) => permits.give('b', '1')],
    [
      'by another server',
      ({ clock }: ReturnType<typeof scene>) =>
        new LogPermits(
          KEY.map((n) => n + 1),
          clock,
        ).give('a', '1'),
    ],
    ['that was made up', () => `9${'9'.repeat(12)}.${'a'.repeat(64)}`],
    ['that is endless', () => 'x'.repeat(100_000)],
  ])('is worth nothing %s', async (_, bent) => {
    const made = scene({ 'a 1': 'no' });
    expect(await made.refuse('a', '1', bent(made))).toBe('no');
    expect(made.asked).toEqual(['a 1']);
  });
});

test('a yes is remembered for a while, for this node and this lease alone', async () => {
  const { clock, asked, refuse } = scene({ 'b 1': 'not yours' });
  expect(await refuse('a', '1')).toBeNull();
  clock.at += LIFETIMES.logPermitMs - 1;
  expect(await refuse('a', '1')).toBeNull();
  expect(asked).toEqual(['a 1']);
  expect(await refuse('b', '1')).toBe('not yours');
  expect(await refuse('a', '2')).toBeNull();
  clock.at += 2;
  expect(await refuse('a', '1')).toBeNull();
  expect(asked).toEqual(['a 1', 'b 1', 'a 2', 'a 1']);
});

test('a no is asked for again', async () => {
  const answers: Record<string, string | null> = { 'a 1': 'not yet' };
  const { asked, refuse } = scene(answers);
  expect(await refuse('a', '1')).toBe('not yet');
  answers['a 1'] = null;
  expect(await refuse('a', '1')).toBeNull();
  expect(asked).toEqual(['a 1', 'a 1']);
});

test('a Foreman that does not answer is asked again', async () => {
  const permits = new LogPermits(KEY);
  await expect(permits.refuse('a', '1', '', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  expect(await permits.refuse('a', '1', '', async () => 'no')).toBe('no');
});
