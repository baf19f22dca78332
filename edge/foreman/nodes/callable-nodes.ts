/**
 * Nodes that an operator added by their address: where each is called, and when it is left alone since that failed. In the
 * register and not in memory, so that a host that hangs is not tried anew by each Foreman that wakes. Never what a node says of
 * itself: it could name anybody's host.
 */
import { and, eq, gt, sql } from 'drizzle-orm';
import { isPrivate } from '../../../shared/request/normalize-request.ts';
import type { Database } from '../database.ts';
import type { Submission } from '../queue/queue.ts';
import { type NodeRow, nodes } from '../schema.ts';

/** After the first failure, doubled with each further one. */
const PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 5 * 60_000;
const MAX_FAULT = 200;

const REACHABLE = { callFailures: 0, callFault: '', notCalledBefore: 0 } as const;

export class CallableNodes {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** An address is one node's: who is called there now is whoever answered last. Empty: it is called no more. */
  putAddress(id: string, address: string): void {
    this.#db.transaction((tx) => {
      // The condition as text: the index of those that have one is used for this very text alone.
      tx.update(nodes)
        .set({ address: '', ...REACHABLE })
        .where(and(sql`${nodes.address} <> ''`, eq(nodes.address, address)))
        .run();
      tx.update(nodes)
        .set({ address, ...REACHABLE })
        .where(eq(nodes.id, id))
        .run();
    });
  }

  /** Is not called again for a while, longer each time. */
  failed({ id, callFailures }: Pick<NodeRow, 'id' | 'callFailures'>, fault: string, now: number): void {
    const pauseMs = Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** Math.min(callFailures, 10));
    this.#db
      .update(nodes)
      .set({
        callFailures: sql`${nodes.callFailures} + 1`,
        callFault: fault.slice(0, MAX_FAULT),
        notCalledBefore: now + pauseMs,
      })
      .where(eq(nodes.id, id))
      .run();
  }

  /** An order that was brought is being built. */
  worked(id: string): void {
    this.#db
      .update(nodes)
      .set(REACHABLE)
      .where(and(eq(nodes.id, id), gt(nodes.callFailures, 0)))
      .run();
  }
}

export const isCalled = ({ address, notCalledBefore }: NodeRow, now: number): boolean =>
  address !== '' && notCalledBefore <= now;

/**
 * A host behind an address proves that it has the name and not that it is the node. What holds a secret or a feed of a
 * client's own is given to the node's own question, which is signed.
 */
export const mayBeBrought = ({ request }: Pick<Submission, 'request'>): boolean =>
  !isPrivate(request) && request.repositories.length === 0;
