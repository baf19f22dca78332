/**
 * What a farm would have done that knows everything beforehand: each free slot takes what has waited longest at once, no
 * ImageBuilder has to be fetched, nothing is begun that will be lost, nobody has to be asked.
 */
import { EventHeap } from './event-heap.ts';

export interface IdealNode {
  readonly slots: number;
  /** Beside a node as fast as most. */
  readonly slowness: number;
  /** From when to when it is there, in order. */
  readonly up: readonly (readonly [from: number, to: number])[];
}

export interface IdealBuild {
  readonly at: number;
  readonly workMs: number;
}

interface Slot {
  readonly at: number;
  readonly order: number;
  readonly node: IdealNode;
  readonly stretch: number;
}

/** When each of the builds is done, in their order: that in which they were asked for. Infinity: never. */
export function idealEnds(builds: readonly IdealBuild[], nodes: readonly IdealNode[], uploadMs: number): number[] {
  const slots = new EventHeap<Slot>();
  let order = 0;
  const free = (node: IdealNode, stretch: number, at: number): void => {
    const up = node.up[stretch];
    order += 1;
    if (up) slots.push({ at: Math.max(at, up[0]), order, node, stretch });
  };
  for (const node of nodes) for (let slot = 0; slot < node.slots; slot += 1) free(node, 0, 0);
  return builds.map(({ at, workMs }) => {
    for (let slot = slots.pop(); slot; slot = slots.pop()) {
      const { node, stretch } = slot;
      const end = Math.max(at, slot.at) + workMs * node.slowness + uploadMs;
      if (end <= (node.up[stretch]?.[1] ?? 0)) {
        free(node, stretch, end);
        return end;
      }
      free(node, stretch + 1, slot.at);
    }
    return Number.POSITIVE_INFINITY;
  });
}
