/** Waits for what may hang, and then no longer: whoever asked is answered by what is known without it. */
export async function notLonger(work: Promise<unknown>, ms: number): Promise<void> {
  const enough = Promise.withResolvers<void>();
  const timer = setTimeout(enough.resolve, ms);
  try {
    await Promise.race([work, enough.promise]);
  } finally {
    clearTimeout(timer);
  }
}
