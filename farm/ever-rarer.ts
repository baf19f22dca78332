/**
 * Is what has been so for `count` times now worth saying again? The first time, the second, the fourth, and so on: whatever lasts
 * for a night must not fill a disk with one sentence, and who looks at the end of a log shall find it all the same.
 */
export const isWorthSayingAgain = (count: number): boolean => (count & (count - 1)) === 0;
