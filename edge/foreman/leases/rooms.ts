/**
 * Where nodes wait: those that may be given what comes, and those that get nothing now or have all they may. Two rooms, since what
 * comes wakes a few alone: were they nodes that cannot take it, it would lie in the queue beside others that sleep.
 */
import type { Order } from './give-lease.ts';
import type { Leases } from './leases.ts';
import { WaitingRoom } from './waiting-room.ts';

export class Rooms {
  readonly waiting = new WaitingRoom();
  readonly setAside = new WaitingRoom();
  readonly #leases: Pick<Leases, 'byId'>;

  constructor(leases: Pick<Leases, 'byId'>) {
    this.#leases = leases;
  }

  /** A lease of its may be over: it has room for more. */
  wake(nodeId: string): void {
    this.setAside.wake(nodeId);
  }

  /** Who was set aside, or is no more, is told at once; and its builds are for others. */
  wakeEverybody(): void {
    this.waiting.wakeAll();
    this.setAside.wakeAll();
  }

  /** What a node would have been given instead of a check waits still. */
  wakeForPassedOver(order: Order | null): void {
    if (order && this.#leases.byId(order.leaseId)?.checkId != null) this.waiting.wakeSome();
  }

  /** What it waits with is older than what is known of it: it is to ask anew. */
  dismiss(nodeId: string): void {
    this.waiting.dismiss(nodeId);
    this.setAside.dismiss(nodeId);
  }
}
