/**
 * Waits for what knows no signal itself, such as a name server or a client of a store, and no longer than until that aborts. The work goes
 * on behind it, and nobody hears its end.
 * @throws what the work throws; the signal's reason
 */
export async function unlessAborted<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
