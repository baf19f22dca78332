/**
 * Where nodes wait: those that may be given what comes, and those that get nothing now or have all they may. Two rooms, since what
 * comes wakes a few alone: were they nodes that cannot take it, it would lie in the queue beside others that sleep.
 */
import type { Nodes } from '../nodes/nodes.ts';
import type { Order } from './give-lease.ts';
import type { Leases } from './leases.ts';
import { WaitingRoom } from './waiting-room.ts';

/** Each of them looks at hundreds of builds; of a thousand that were woken at once the last would be answered after seconds. */
const LOOK_AT_ONCE = 64;

interface Question {
  readonly nodeId: string;
  isDismissed: boolean;
}

export class Rooms {
  readonly waiting = new WaitingRoom();
  readonly setAside = new WaitingRoom();
  /** Questions that sit in neither, since what answers them is being looked for: upstream may be asked for it. */
  readonly #lookedInto = new Set<Question>();
  readonly #leases: Pick<Leases, 'byId'>;
  readonly #nodes: Pick<Nodes, 'takeChanged'>;

  constructor({
    leases,
    nodes,
  }: { readonly leases: Pick<Leases, 'byId'>; readonly nodes: Pick<Nodes, 'takeChanged'> }) {
    this.#leases = leases;
    this.#nodes = nodes;
  }

  /** A lease of its may be over: it has room for more. */
  wake(nodeId: string): void {
    this.setAside.wake(nodeId);
  }

  /** Who was set aside, or is no more, is told at once; and its builds are for others, its operator's own among them. */
  wakeForChanged(): void {
    for (const nodeId of this.#nodes.takeChanged()) this.waiting.wake(nodeId);
    this.setAside.wakeAll();
    this.wakeForMany();
  }

  /** More came at once than some few can take, or time has brought who knows what: it may be for some of these few alone. */
  wakeForMany(): void {
    this.waiting.wakeSome();
    this.waiting.wakeEldest(LOOK_AT_ONCE);
  }

  /** What a node would have been given instead of a check waits still. */
  wakeForPassedOver(order: Order | null): void {
    if (order && this.#leases.byId(order.leaseId)?.checkId != null) this.waiting.wakeSome();
  }

  /** Looks for what answers a question of this node; it may be dismissed meanwhile. */
  async lookInto<Found>(nodeId: string, look: () => Promise<Found>): Promise<readonly [Found, isDismissed: boolean]> {
    const question: Question = { nodeId, isDismissed: false };
    this.#lookedInto.add(question);
    try {
      const found = await look();
      return [found, question.isDismissed];
    } finally {
      this.#lookedInto.delete(question);
    }
  }

  /** What it waits with is older than what is known of it: it is to ask anew. */
  dismiss(nodeId: string): void {
    for (const question of this.#lookedInto) if (question.nodeId === nodeId) question.isDismissed = true;
    this.waiting.dismiss(nodeId);
    this.setAside.dismiss(nodeId);
  }
}
