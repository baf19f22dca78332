/** For a file of tests: two nodes of two operators, and for each test an order of its own, which the first of them has. */
import { beforeAll, beforeEach } from 'vitest';
import type { BuildOrder } from '../../../shared/gen/asu/farm/v1/build_pb.js';
import { GOOD_REQUEST, openUpstream, post } from '../../edge.fixture.ts';
import { type FarmNode, joinNode, orderFor } from '../../nodes/farm-node.fixture.ts';

interface Ordered {
  readonly node: FarmNode;
  readonly other: FarmNode;
  readonly order: BuildOrder;
}

let wishes = 0;

/** Of a wish that nobody had before. */
export async function nextOrder(of: FarmNode): Promise<BuildOrder> {
  await post({ ...GOOD_REQUEST, packages: [`wish-${++wishes}`] });
  return orderFor(of);
}

export function withOrder(begin: (ordered: Ordered) => void): void {
  let node: FarmNode;
  let other: FarmNode;
  beforeAll(async () => {
    await openUpstream();
    node = await joinNode(1);
    other = await joinNode(2, { operator: 'other' });
  });
  beforeEach(async () => {
    begin({ node, other, order: await nextOrder(node) });
  });
}
