/** A line is slow, as of a home at the end of a village. */
import type { Fault } from './fault.ts';

export const slow: Fault = async ({ ways }, target) => {
  const way = ways.get(target);
  if (!way) return 'impossible';
  way.set('slow');
  return async () => way.set('open');
};
