/** A process dies as by a power cut, and comes back on what it left. */
import type { Fault } from './fault.ts';

export const kill: Fault = async ({ parts }, target) => {
  const part = parts.get(target);
  if (!part) return 'impossible';
  await part.kill();
  return () => part.start();
};
