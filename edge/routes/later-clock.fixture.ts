/** A clock for answers that are kept for a minute: at the beginning of a test, and whenever it says so, all of them are too old. */
import { afterEach, beforeEach, vi } from 'vitest';

const MINUTE_MS = 60_000;

/** Ahead of the real clock, so that no alarm rings by itself. The answer moves it on. */
export function withLaterClock(): () => void {
  let clock = Date.now() + MINUTE_MS;
  const later = (): void => {
    clock = Math.max(clock, Date.now()) + 2 * MINUTE_MS;
    vi.setSystemTime(clock);
  };
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: clock });
    later();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
  return later;
}
