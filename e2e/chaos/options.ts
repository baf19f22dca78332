/** What `npm run chaos` can be told. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
}

export const HELP = `npm run chaos -- [options]

Runs the whole service on this machine (workerd serve, an S3 store, two trusted nodes, two volunteers, the demo ImageBuilder) and
kills, freezes, cuts off, slows and fills its parts while visitors ask and poll as owut, auc, LuCI and firmware-selector do.
Then everything is mended, and looked through: every request that was accepted must have ended in a right image or a true
failure, and no process, file, row or memory may be left. Prints a table; the exit status is 1 where anything is wrong.

  --minutes N   how long there is weather, 0.25 to 1440 (10). What follows takes some minutes more
  --seed N      the weather and the visitors of an earlier run, which printed it (a new one)
  --help        this text

Which fault befalls whom and when, and which client asks for what and when, follow from seed and length alone. What the processes
are doing in that moment does not: a run with the same seed meets the same weather, not necessarily the same accident.

Needs python3-swift for the store, and installs it where it is root. Nodes' disks can be filled only by root, who may mount.
`;

export type ChaosCommand = { readonly command: 'run'; readonly options: ChaosOptions } | { readonly command: 'help' };

/** @throws Error saying what was expected */
export function parseOptions(args: readonly string[]): ChaosCommand {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: String(randomInt(2 ** 32)) },
      minutes: { type: 'string', default: '10' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return { command: 'help' };
  const [seed, minutes] = [Number(values.seed), Number(values.minutes)];
  if (!/^\d+$/.test(values.seed) || seed >= 2 ** 32)
    throw new Error(`--seed: expected a whole number below 2^32, got ${JSON.stringify(values.seed)}`);
  if (!/^\d+(?:\.\d+)?$/.test(values.minutes) || minutes < 0.25 || minutes > 1440)
    throw new Error(`--minutes: expected a number from 0.25 to 1440, got ${JSON.stringify(values.minutes)}`);
  return { command: 'run', options: { seed, minutes } };
}
