import { beforeEach, expect, it } from 'vitest';
import { NodeStanding } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { HeardStanding } from './heard-standing.ts';

const { ACTIVE, DRAINING, QUARANTINED, UNSPECIFIED } = NodeStanding;
let lines: string[];
let heard: HeardStanding;
const hear = (standing: NodeStanding, standingReason = '') => heard.hear({ standing, standingReason });

beforeEach(() => {
  lines = [];
  heard = new HeardStanding((line) => lines.push(line));
});

it('says nothing while there is nothing to say, nor to an edge that does not speak of it', () => {
  hear(ACTIVE);
  hear(UNSPECIFIED);
  hear(ACTIVE);
  expect([lines, heard.known]).toEqual([[], ACTIVE]);
});

it('says why it gets nothing at once, and then ever rarer', () => {
  const said: number[] = [];
  for (let at = 1; at <= 40; at += 1) {
    hear(DRAINING, 'a new disk');
    if (lines.length > said.length) said.push(at);
  }
  expect(said).toEqual([1, 2, 4, 8, 16, 32]);
  expect(lines[0]).toMatch(/no new builds.*draining.*finishes. The reason: a new disk\..*goes on by itself/);
  expect(heard.known).toBe(DRAINING);
});

it('says it anew when it is something else, and once when it is over', () => {
  hear(DRAINING, 'a new disk');
  hear(DRAINING, 'no disk');
  hear(QUARANTINED, 'wrong images');
  hear(ACTIVE);
  hear(ACTIVE);
  expect(lines).toEqual([
    expect.stringContaining('a new disk'),
    expect.stringContaining('no disk'),
    expect.stringMatching(/quarantined.*wrong images/),
    'the edge gives this node builds again',
  ]);
});

it('bears an edge that knows more ways than it does, and one that gives no reason', () => {
  hear(99 as NodeStanding);
  expect(lines).toEqual([expect.stringMatching(/^this node gets no new builds, for it was set aside\. It goes on/)]);
});

it('lets no edge write into a terminal, nor fill a disk', () => {
  hear(DRAINING, `\u001b[2J\n${'x'.repeat(100_000)}`);
  expect(lines[0]).toContain('\\x1b[2J\\x0a');
  expect(lines[0]?.length).toBeLessThan(700);
});
