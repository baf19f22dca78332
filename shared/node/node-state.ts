/**
 * What a node may do, and what an operator may make of it. A machine that is mended, suspected or gone is not the same: one
 * switch for all three would either throw away good builds or keep bad ones.
 */

/**
 * `draining`: gets nothing new, finishes what it has. `quarantined`: nothing it says is believed until somebody has looked at
 * it. `revoked`: refused, for good.
 */
export type NodeState = 'active' | 'draining' | 'quarantined' | 'revoked';

/** One that may still call and is told its state. */
export type NodeStanding = Exclude<NodeState, 'revoked'>;

export const NODE_ACTIONS = ['drain', 'undrain', 'quarantine', 'release', 'revoke'] as const;
export type NodeAction = (typeof NODE_ACTIONS)[number];

export const isNodeAction = (word: string): word is NodeAction => (NODE_ACTIONS as readonly string[]).includes(word);

interface Row {
  /** Where it is in that state already, saying so again is no mistake: an answer may have been lost. */
  readonly from: readonly NodeState[];
  readonly to: NodeState;
}

/** `isDrainBehind`: an operator had drained it when it was quarantined, and nobody has said since that it may build again. */
export interface Position {
  readonly state: NodeState;
  readonly isDrainBehind: boolean;
}

const ACTIONS: Readonly<Record<NodeAction, Row>> = {
  drain: { from: ['active', 'draining'], to: 'draining' },
  undrain: { from: ['active', 'draining'], to: 'active' },
  quarantine: { from: ['active', 'draining', 'quarantined'], to: 'quarantined' },
  release: { from: ['active', 'quarantined'], to: 'active' },
  revoke: { from: ['active', 'draining', 'quarantined', 'revoked'], to: 'revoked' },
};

const WHY_NOT: Readonly<Record<NodeState, string>> = {
  active: 'the node is active',
  draining: 'the node is draining; undrain it first',
  quarantined: 'the node is quarantined; release it first',
  revoked: 'the node was revoked, and that is for good: the machine can join again with another key and a new token',
};

export type AfterAction =
  | { readonly ok: true; readonly state: NodeState }
  | { readonly ok: false; readonly reason: string };

export function afterAction({ state, isDrainBehind }: Position, action: NodeAction): AfterAction {
  if (action === 'release' && isDrainBehind && (state === 'quarantined' || state === 'draining'))
    return { ok: true, state: 'draining' };
  const { from, to } = ACTIONS[action];
  return from.includes(state) ? { ok: true, state: to } : { ok: false, reason: WHY_NOT[state] };
}

/** Is what it reports believed? */
export const isHeard = (state: NodeState): boolean => state === 'active' || state === 'draining';
