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

/** So long may others overtake a build that stands at the head: about what a cold start costs. */
export const OVERTAKING_MS = 30_000;

/** `builds`: those whose turn comes first first. In which order a node with these ImageBuilders tries them. */
export function inOrderOfChoice<Build extends Choosable>(
  builds: readonly Build[],
  held: ReadonlySet<string>,
  now: number,
): readonly Build[] {
  const isImpatient = ({ enqueuedAt }: Build): boolean => now - enqueuedAt > OVERTAKING_MS;
  const isFirst = (build: Build): boolean => isImpatient(build) || held.has(build.imageBuilder);
  return [...builds.filter(isFirst), ...builds.filter((build) => !isFirst(build))];
}
