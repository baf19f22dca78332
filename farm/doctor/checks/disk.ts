/** Is there room for what a node keeps? */
import { GIB, tellBytes } from '../../../shared/text/byte-size.ts';
import { freeBytes } from '../../disk/free-space.ts';
import { defaultDiskBudget, rememberedDiskBudget } from '../../disk/settle-disk-budget.ts';
import { type Check, type Finding, ok, problem, warning } from '../check.ts';
import { nearestDirectory } from './state-directory.ts';

export const diskCheck: Check = {
  id: 'disk',
  patienceMs: 20_000,
  run: async ({ stateDirectory }) => {
    const directory = await nearestDirectory(stateDirectory);
    if (directory === null) return warning('the disk was not looked at, since there is no state directory');
    return judgeDisk(await freeBytes(directory), await rememberedDiskBudget(stateDirectory));
  },
};

/** One ImageBuilder and one build of it. */
const LEAST_BYTES = 2 * GIB;
/** Several, and packages for them. */
const EASY_BYTES = 10 * GIB;

/** `rememberedBytes`: of an earlier start, part of which is filled already. */
export function judgeDisk(free: number, rememberedBytes: number | null): Finding {
  const budget = rememberedBytes ?? defaultDiskBudget(free);
  const told = `${tellBytes(free)} free; the node takes at most ${tellBytes(budget)} unless --disk-budget says otherwise`;
  if (free < LEAST_BYTES)
    return problem(
      told,
      'make room: an ImageBuilder and a build of it take about 2 GiB; or choose another with --state',
    );
  return rememberedBytes === null && free < EASY_BYTES
    ? warning(`${told}: ImageBuilders will be fetched again and again`, 'make room, or choose another with --state')
    : ok(told);
}
