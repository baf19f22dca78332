import { expect, test } from 'vitest';
import type { NodeList } from '../../../shared/api/nodes-answers.ts';
import type { SeedLatestImages } from '../../../shared/api/seed-data-answers.ts';
import { type ExpectedWait, expectedWait } from './expected-wait.ts';

type Node = NodeList['nodes'][number];
const node = (more: Partial<Node> = {}): Node => ({
  name: 'n',
  tier: 'trusted',
  state: 'active',
  present: true,
  slots: 2,
  running: 0,
  images: 0,
  ...more,
});
const images = (...seconds: readonly number[]): SeedLatestImages =>
  seconds.map((build_seconds) => ({ build_seconds }) as SeedLatestImages[number]);
const known = (seconds: number): ExpectedWait => ({ state: 'known', seconds });

test.each<[situation: string, waiting: number, nodes: readonly Node[], latest: SeedLatestImages, wait: ExpectedWait]>([
  ['a machine is free', 0, [node()], images(10, 30, 20), known(20)],
  ['one is full', 0, [node({ running: 2 })], images(20), known(30)],
  ['others wait already', 3, [node({ running: 2 })], images(20), known(60)],
  ['more run than it has slots', 0, [node({ slots: 1, running: 3 })], images(20), known(40)],
  ['nothing was built yet', 0, [node()], [], { state: 'unknown' }],
  ['there is no machine', 0, [], images(20), { state: 'nobody' }],
  ['all are away', 0, [node({ present: false })], images(20), { state: 'nobody' }],
  [
    'all are put out',
    0,
    [node({ state: 'draining' }), node({ state: 'quarantined' })],
    images(20),
    { state: 'nobody' },
  ],
])('%s', (_, waiting, nodes, latest, wait) => {
  expect(expectedWait({ waiting }, nodes, latest)).toEqual(wait);
});
