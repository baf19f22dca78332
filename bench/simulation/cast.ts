/**
 * Who the nodes of a day are: machines of the operator's own, volunteers of sixty operators, and among them two that lie together. What is
 * asked of trust is the difference between such days.
 */
import type { Whom } from '../../edge/foreman/schema.ts';
import type { Lie } from './conspiracy.ts';
import type { NodeModel } from './node-model.ts';
import type { Truth } from './truth.ts';
import type { Wish, Wishes } from './wishes.ts';

/**
 * `trusted`: all nodes are the operator's own. `honest`: volunteers, and no liar. `liars`: two operators lie. `patient`: the same, and every
 * operator of volunteers has been there for long enough to be proven, the liars too.
 */
export const PLAYS = ['trusted', 'honest', 'liars', 'patient'] as const;
export type PlayName = (typeof PLAYS)[number];

export interface PlaySurroundings {
  readonly seed: number;
  readonly wishes: Wishes;
  readonly isAnswered: (intentHash: string) => boolean;
  readonly now: () => number;
}

export interface Cast {
  readonly nodes: number;
  readonly settings: Readonly<Record<string, string>>;
  /** `honest`: a node of this farm as fast as this one is. */
  model(number: number, honest: NodeModel): Promise<NodeModel>;
  whomOf(wish: Wish): Whom;
  /** Once all have joined. */
  prepare(sql: SqlStorage): void;
  /** `value`: what KV was given; null where it was taken from there. */
  onStored(requestHash: string, value: string | null, at: number): void;
  readonly truth: Truth;
  /** Operators of volunteers whose agreement publishes. */
  readonly quorum: number;
  readonly lies: readonly Lie[];
  /** Operators that lie. */
  readonly liars: ReadonlySet<string>;
}

export type Play = (surroundings: PlaySurroundings) => Cast;
