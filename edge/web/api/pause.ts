/** The time between two tries: longer each time, never the same for all readers, and over as soon as the network is back. */
const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/** Returns early when the browser finds a network, or when nobody waits any more. */
export function pause(failures: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  return wait(longest * (0.5 + Math.random() / 2), signal);
}

export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms);
    addEventListener('online', end);
    signal.addEventListener('abort', end);
    function end(): void {
      clearTimeout(timer);
      removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      resolve();
    }
    if (signal.aborted) end();
  });
}
