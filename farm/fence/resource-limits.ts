/**
 * The limits that the kernel keeps for each process of a build, as arguments of prlimit: a wall behind the watchdog, which
 * looks only now and then. Never more than the node itself has: an ordinary user may lower a limit and not raise it, and
 * prlimit would refuse to start anything.
 */

interface Limit {
  readonly option: string;
  /** As /proc/self/limits calls it. */
  readonly name: string;
  readonly most: number;
}

const LIMITS: readonly Limit[] = [
  { option: 'core', name: 'Max core file size', most: 0 },
  // The largest image that anything makes is far below.
  { option: 'fsize', name: 'Max file size', most: 8 * 1024 ** 3 },
  // Of one process, in seconds; the deadline is what bounds the build.
  { option: 'cpu', name: 'Max cpu time', most: 3600 },
  { option: 'nofile', name: 'Max open files', most: 16_384 },
  // Counted for the node's user as a whole, all builds and the node itself included, and not at all for root.
  { option: 'nproc', name: 'Max processes', most: 16_384 },
];

/** From the text of /proc/self/limits, whose columns are the name, the soft and the hard limit. */
export function resourceLimits(text: string): string[] {
  return LIMITS.map(({ option, name, most }) => {
    const hard = text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length)
      .trim()
      .split(/\s+/)[1];
    const own = hard === undefined || hard === 'unlimited' ? most : Number(hard);
    return `--${option}=${Math.min(most, own)}`;
  });
}
