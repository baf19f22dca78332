import { expect, it } from 'vitest';
import { afterAction, isHeard, isNodeAction, NODE_ACTIONS, type NodeAction, type NodeState } from './node-state.ts';

const STATES: readonly NodeState[] = ['active', 'draining', 'quarantined', 'revoked'];

/** Null: refused. */
const TABLE: Record<NodeAction, Record<NodeState, NodeState | null>> = {
  drain: { active: 'draining', draining: 'draining', quarantined: null, revoked: null },
  undrain: { active: 'active', draining: 'active', quarantined: null, revoked: null },
  quarantine: { active: 'quarantined', draining: 'quarantined', quarantined: 'quarantined', revoked: null },
  release: { active: 'active', draining: null, quarantined: 'active', revoked: null },
  revoke: { active: 'revoked', draining: 'revoked', quarantined: 'revoked', revoked: 'revoked' },
};

it.each(NODE_ACTIONS.flatMap((action) => STATES.map((state) => [action, state, TABLE[action][state]] as const)))(
  '%s makes an %s node %s',
  (action, state, becomes) => {
    expect(afterAction(state, action)).toEqual(
      becomes === null ? { ok: false, reason: expect.stringContaining(state) } : { ok: true, state: becomes },
    );
  },
);

it('believes nodes that build or finish, and no others', () => {
  expect(STATES.filter(isHeard)).toEqual(['active', 'draining']);
});

it.each(['', 'Drain', 'constructor', 'drain '])('%j is no action', (word) => {
  expect(isNodeAction(word)).toBe(false);
});
