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
    expect(afterAction({ state, isDrainBehind: false }, action)).toEqual(
      becomes === null ? { ok: false, reason: expect.stringContaining(state) } : { ok: true, state: becomes },
    );
  },
);

it.each<[NodeState, NodeState | null]>([
  ['active', 'active'],
  ['draining', 'draining'],
  ['quarantined', 'draining'],
  ['revoked', null],
])('release makes an %s node %s where an operator’s drain stands behind', (state, becomes) => {
  expect(afterAction({ state, isDrainBehind: true }, 'release')).toEqual(
    becomes === null ? { ok: false, reason: expect.stringContaining(state) } : { ok: true, state: becomes },
  );
});

it.each(NODE_ACTIONS.filter((action) => action !== 'release'))('%s is the same with a drain behind', (action) => {
  for (const state of STATES)
    expect(afterAction({ state, isDrainBehind: true }, action)).toEqual(
      afterAction({ state, isDrainBehind: false }, action),
    );
});

it('believes nodes that build or finish, and no others', () => {
  expect(STATES.filter(isHeard)).toEqual(['active', 'draining']);
});

it.each(['', 'Drain', 'constructor', 'drain '])('%j is no action', (word) => {
  expect(isNodeAction(word)).toBe(false);
});
