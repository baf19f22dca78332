/** A lease whose order was brought to its node, which may not have it: nobody knows until the node says a word (bring-orders.ts). */
import type { LeaseRow } from '../schema.ts';

/** In the place of the key that a node makes; a node's own can have no colon in it. */
const BROUGHT = 'brought:';

export const broughtKey = (leaseId: string): string => BROUGHT + leaseId;

/** An order was brought, and the node has said nothing of it yet. */
export const isUnheard = ({
  idempotencyKey,
  lastSequence,
}: Pick<LeaseRow, 'idempotencyKey' | 'lastSequence'>): boolean =>
  idempotencyKey.startsWith(BROUGHT) && lastSequence === 0;
