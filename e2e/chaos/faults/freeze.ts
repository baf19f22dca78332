/** A process stands still: its connections stay open and nobody is behind them. Then it goes on where it was. */
import type { Fault } from './fault.ts';

export const freeze: Fault = async ({ parts }, target) => {
  const part = parts.get(target);
  if (!part) return 'impossible';
  part.signal('SIGSTOP');
  return async () => part.signal('SIGCONT');
};
