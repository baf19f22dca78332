/** The farm of the day: nodes that join before it begins, each as fast as it is, that go and come back by turns. */
import { nodeIdOf } from '../../shared/node/node-identity.ts';
import type { Cast } from './cast.ts';
import { exponential, logNormal } from './distributions.ts';
import { FarmNode, type NodeSurroundings } from './farm-node.ts';
import type { IdealNode } from './ideal-farm.ts';
import { honestNode, type NodeModel } from './node-model.ts';
import { FARM, scaled } from './parameters.ts';
import { someTarget } from './upstream.ts';
import type { Wishes } from './wishes.ts';

export interface FarmPlan {
  readonly random: () => number;
  readonly scale: number;
  readonly wishes: Wishes;
  /** Those that are not away have come after so long. */
  readonly withinMs: number;
  readonly endAt: number;
  /** Who the nodes are; without one they are all the operator's own. */
  readonly cast: Cast | null;
}

/** Returns what an ideal farm of the same nodes would have had. */
export async function joinFarm(plan: FarmPlan, world: NodeSurroundings): Promise<IdealNode[]> {
  const { random, scale, wishes, cast } = plan;
  const nodes: IdealNode[] = [];
  for (let number = 0; number < (cast?.nodes ?? scaled(FARM.nodes, scale)); number += 1) {
    const slowness = logNormal(random, FARM.speedSpread);
    const honest = honestNode(`operator-${number}`, slowness, ({ intentHash }) => wishes.ofIntent(intentHash), random);
    const model = cast ? await cast.model(number, honest) : honest;
    const warm = Array.from({ length: FARM.warm }, () => someTarget(random).imageBuilder);
    const node = new FarmNode(nodeIdFor(model, number), model, warm, world);
    await node.join();
    const stretches = stretchesOf(plan, world.time.now);
    for (const { from, to, isDying } of stretches) {
      world.time.at(from, () => node.rise());
      world.time.at(to, () => node.fall(isDying));
    }
    nodes.push({ slots: model.slots, slowness, up: stretches.map(({ from, to }) => [from, to]) });
  }
  return nodes;
}

const nodeIdFor = ({ key }: NodeModel, number: number): string => (key ? nodeIdOf(key.publicKey) : `node-${number}`);

interface Stretch {
  readonly from: number;
  readonly to: number;
  /** It says nothing when it goes. */
  readonly isDying: boolean;
}

/** When a node is there. */
function stretchesOf({ random, withinMs, endAt }: FarmPlan, now: number): Stretch[] {
  // Some of them are away when the day begins.
  const isAway = random() < FARM.downMs / (FARM.upMs + FARM.downMs);
  const stretches: Stretch[] = [];
  for (let from = now + (isAway ? exponential(random, FARM.downMs) : random() * withinMs); from < endAt; ) {
    const to = from + exponential(random, FARM.upMs);
    stretches.push({ from, to, isDying: random() < FARM.dying });
    from = to + exponential(random, FARM.downMs);
  }
  return stretches;
}
