/**
 * What the Foreman answers to those who call it: plain data, since it crosses an RPC. Apart from the object itself, so that routes,
 * metrics and the simulation's nodes know what is said and nothing of how it is found; else each of them would hang on all of it.
 */
import type { Sample } from '../../shared/metrics/prometheus-text.ts';
import type { NodeStanding } from '../../shared/node/node-state.ts';
import type { Amount } from './images/images.ts';
import type { Order } from './leases/give-lease.ts';
import type { Acknowledgement } from './leases/take-report.ts';
import type { CompletionAnswer } from './leases/uploads.ts';
import type { ListedNode } from './nodes/node-lists.ts';
import type { ActionAnswer } from './nodes/set-aside.ts';

/** The node may not speak; the text is for its operator. */
export interface Refused {
  readonly refused: string;
}

export interface LeaseAnswer {
  readonly order: Order | null;
  /** Does the node get builds, and if not, why? */
  readonly standing: { readonly state: NodeStanding; readonly reason: string };
}

export interface ReportAnswer {
  readonly acknowledged: Acknowledgement[];
  /** So long the node is asked to wait with what its builds are at. */
  readonly nextReportAfterMs: number;
}

export type Completed = Extract<CompletionAnswer, { readonly ok: true }> & {
  /** Of what was reported in the same call; absent where it was not heard. */
  readonly report?: ReportAnswer;
};

export type ActedOnNode =
  | { readonly ok: true; readonly node: ListedNode }
  | Extract<ActionAnswer, { readonly ok: false }>;

export interface ForemanStats {
  /** Calls since this object woke, by name; how tests and operators see that hits do not come here. */
  readonly calls: Readonly<Record<string, number>>;
  /** Why it takes nothing on, for its operator; null where it does. */
  readonly refusal: string | null;
  readonly waiting: number;
  readonly live: number;
  /** Builds that nobody has asked for, and that wait. */
  readonly prebuildsWaiting: number;
  /** Of the first in the queue; 0 where nobody waits. */
  readonly longestWaitMs: number;
  /** Since this object woke. */
  readonly phases: readonly Sample[];
  readonly activeLeases: number;
  readonly nodesPresent: number;
  /** Published ones in the store; `leaving`: told to nobody any more; `removed`: since that is counted. */
  readonly images: Readonly<Record<'kept' | 'leaving' | 'removed', Amount>> & {
    /** 0: no limit. */
    readonly budgetBytes: number;
  };
}
