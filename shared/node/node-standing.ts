/** A node's standing as it travels: what the edge says with each answer to Lease, and what the node says it heard last. */
import { NodeStanding as Wire } from '../gen/asu/farm/v1/foreman_pb.js';
import type { NodeStanding } from './node-state.ts';

const WIRE: Readonly<Record<NodeStanding, Wire>> = {
  active: Wire.ACTIVE,
  draining: Wire.DRAINING,
  quarantined: Wire.QUARANTINED,
};

export const standingToWire = (standing: NodeStanding): Wire => WIRE[standing];

/** Null for one that was not said, or that the other side learnt after us. */
export const standingFromWire = (wire: Wire): NodeStanding | null =>
  (Object.keys(WIRE) as NodeStanding[]).find((standing) => WIRE[standing] === wire) ?? null;
