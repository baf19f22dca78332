import { expect, test } from 'vitest';
import { LIFETIMES } from './lifetimes.ts';
import { LogPermits } from './log-permits.ts';

/** Permits under a clock, and what the Foreman was asked. */
function scene(answers: Readonly<Record<string, string | null>>) {
  const clock = { at: 1, now: () => clock.at };
  const permits = new LogPermits(clock);
  const asked: string[] = [];
  const refuse = (node: string, lease: string) =>
    permits.refuse(node, lease, async (...who) => {
      asked.push(who.join(' '));
      return answers[who.join(' ')] ?? null;
    });
  return { clock, permits, asked, refuse };
}

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
  const permits = new LogPermits();
  await expect(permits.refuse('a', '1', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  expect(await permits.refuse('a', '1', async () => 'no')).toBe('no');
});
