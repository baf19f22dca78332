/**
 * What is said of something that goes on: the first time, the second, the fourth, and so on. Whatever lasts for a night must not fill a
 * disk with one sentence, and who looks at the end of a log shall find it all the same.
 */
import { whyNoAnswer } from './why-no-answer.ts';

/** Is what has been so for `count` times now worth saying again? */
export const isWorthSayingAgain = (count: number): boolean => (count & (count - 1)) === 0;

/** `failures`: in a row, this one among them. */
export function complain(log: (line: string) => void, what: string, error: unknown, failures: number): void {
  if (!isWorthSayingAgain(failures)) return;
  log(`${what} (${failures} times): ${whyNoAnswer(error)}`);
}
