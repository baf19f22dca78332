/** What the bench's Foreman tells of its operations. Both runtimes know it. */

/**
 * What an operation may read. `place`: some hundred rows more, by where its place lies between stretches (ranks.ts);
 * `places`: the same for each build that a full poll asks about.
 * `flat`: the same of every queue. `head`: so many builds at the head of the queue as it has room to look at, no more.
 * `nodes`: each node, or each lease that is active, once; a farm has a thousand nodes, however long its queue is.
 */
export type Bound = 'flat' | 'place' | 'places' | 'head' | 'nodes';

/** Builds that one poll of the bench asks about. */
export const POLLED = 64;

export interface MeasuredOperation {
  readonly name: string;
  readonly bound: Bound;
  /** Means over the rounds: where a build stands decides how many stretches are added up for its place. */
  readonly rowsRead: number;
  readonly rowsWritten: number;
  /** Mean of the middle half, until it is answered. */
  readonly microseconds: number;
}

export interface MeasuredQueue {
  readonly queued: number;
  /** Builds that ended before, each with an image that is published. */
  readonly results: number;
  readonly fillSeconds: number;
  /** Of the tables. */
  readonly databaseBytes: number;
  readonly operations: readonly MeasuredOperation[];
}
