/**
 * Which of the builds at the head of the queue a node takes. Fetching and unpacking an ImageBuilder takes longer than a build,
 * so a node goes first for what it has already; but whose turn it is must not wait for ever behind what is merely convenient.
 */
export interface Choosable {
  /** Sha256 of its ImageBuilder, as far as that was known when the build was accepted. */
  readonly imageBuilder: string;
  /** Milliseconds since 1970. */
  readonly enqueuedAt: number;
}

/** So much longer than most beside it may a build wait that others overtake: about what a cold start costs. */
export const OVERTAKING_MS = 30_000;
/**
 * And so much of what these wait. Where all have waited for half an hour, half a minute more is nothing to anybody, while a farm that
 * keeps strictly to turns on such a day spends its time on fetching ImageBuilders, and all wait longer.
 */
const OVERTAKING_SHARE = 0.1;

/** `builds`: those whose turn comes first first. In which order a node with these ImageBuilders tries them. */
export function inOrderOfChoice<Build extends Choosable>(
  builds: readonly Build[],
  held: ReadonlySet<string>,
  now: number,
): readonly Build[] {
  const waits = builds.map(({ enqueuedAt }) => now - enqueuedAt).sort((one, other) => one - other);
  const usualMs = Math.max(0, waits[(waits.length - 1) >> 1] ?? 0);
  const isImpatient = ({ enqueuedAt }: Build): boolean =>
    now - enqueuedAt > usualMs * (1 + OVERTAKING_SHARE) + OVERTAKING_MS;
  const isFirst = (build: Build): boolean => isImpatient(build) || held.has(build.imageBuilder);
  return [...builds.filter(isFirst), ...builds.filter((build) => !isFirst(build))];
}
