/**
 * At most so many at once, the others wait their turn. Whoever fetches without such a bound is at the mercy of what asks: a
 * Durable Object has six outgoing connections, and a mirror that one build asks for hundreds of files shows it the door.
 */
export type Slots = <Result>(task: () => Promise<Result>) => Promise<Result>;

export function openSlots(limit: number): Slots {
  let free = limit;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      // Handed on rather than freed, so that nobody slips in between.
      if (next) next();
      else free++;
    }
  };
}
