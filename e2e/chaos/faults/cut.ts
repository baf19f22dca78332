/** A line is cut: whoever is on it is thrown off, and nobody comes through. */
import type { Fault } from './fault.ts';

export const cut: Fault = async ({ ways }, target) => {
  const way = ways.get(target);
  if (!way) return 'impossible';
  way.set('cut');
  return async () => way.set('open');
};
