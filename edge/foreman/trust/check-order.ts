/**
 * The order of a check: one like any other, of something that is published and still made of what upstream has. Nothing in it may tell
 * the node that the answer is known, or the one that lies now and then would not lie now. It bears the published build's name, since
 * files are named after it, and some of them hold their own name: under another one an honest node would make other bytes.
 */
import { BuildError } from '../../../shared/build/build-error.ts';
import { isHeard } from '../../../shared/node/node-state.ts';
import type { ForemanState } from '../foreman-state.ts';
import { type Order, orderOf } from '../leases/give-lease.ts';
import { type PinnedInputs, pinInputs } from '../leases/pins.ts';
import type { BuildRow, CheckRow, KnownImage, NodeRow } from '../schema.ts';
import type { Given } from './checks.ts';
import { inputsOf } from './decide-build.ts';

export interface Ask {
  readonly idempotencyKey: string;
  readonly leaseId: string;
}

/** Something known, and the build that made it. */
export interface Published {
  readonly known: KnownImage;
  readonly build: BuildRow;
}

const NO_CONDITIONS = { version_code: '', packages_versions: {} };

/** As long as it stands on somebody who is believed; else it is forgotten here. */
export function published(state: ForemanState, requestHash: string): Published | undefined {
  const known = state.knownImages.of(requestHash);
  if (!known) return undefined;
  const build = state.queue.byHash(requestHash);
  const stands = state.votes
    .rowsOf(requestHash)
    .some(
      ({ verdict, digest, inputs, tier, nodeId }) =>
        verdict === 'right' &&
        digest === known.digest &&
        inputs === known.inputs &&
        (tier === 'trusted' || known.word === 'quorum') &&
        isHeard(state.nodes.byId(nodeId)?.state ?? 'revoked'),
    );
  if (build?.state === 'done' && stands) return { known, build };
  state.knownImages.remove(requestHash);
  return undefined;
}

/** `moved`: upstream has something else by now, and what is made of that is known to nobody. Null where it cannot be asked. */
export async function pinned(state: ForemanState, { known, build }: Published): Promise<PinnedInputs | 'moved' | null> {
  try {
    const inputs = await pinInputs(build.request, NO_CONDITIONS, state.catalogue, state.config.UPSTREAM_URL);
    if (inputsOf(inputs.pins) === known.inputs) return inputs;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    if (error.kind === 'upstream_unavailable') return null;
  }
  state.knownImages.remove(known.requestHash);
  return 'moved';
}

/** `take`: of the check, within the transaction in which its lease is granted; undefined where somebody else was faster. */
export function giveOrder(
  state: ForemanState,
  node: NodeRow,
  build: BuildRow,
  { pins }: PinnedInputs,
  { idempotencyKey, leaseId }: Ask,
  now: number,
  take: (given: Given) => CheckRow | undefined,
): Order | null {
  return state.db.transaction(() => {
    if (state.leases.byKey(node.id, idempotencyKey)) return null;
    const check = take({ leaseId, nodeId: node.id, operator: node.operator });
    if (!check) return null;
    const lease = state.leases.grantCheck(check, node.id, { id: leaseId, idempotencyKey, pins }, now);
    return orderOf(state, build, lease);
  });
}
