/** Does a node work in the state directory already? A second one would be refused at its start. */
import os from 'node:os';
import { holderOf } from '../../disk/state-lock.ts';
import { type Check, ok, warning } from '../check.ts';

export const lockCheck: Check = {
  id: 'lock',
  patienceMs: 10_000,
  run: async ({ stateDirectory }) => {
    const holder = holderOf(stateDirectory);
    if (holder === null) return ok('no node is running on this state directory');
    const who =
      holder === 'unknown'
        ? 'another process'
        : `process ${holder.pid}${holder.host === os.hostname() ? '' : ` on ${holder.host}`} since ${new Date(holder.sinceMs).toISOString()}`;
    return warning(
      `a node is running on this state directory: ${who}`,
      'start no second one, or give it another --state',
    );
  },
};
