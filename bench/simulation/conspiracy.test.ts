import { beforeEach, expect, test } from 'vitest';
import type { Order } from '../../edge/foreman/leases/give-lease.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { Conspiracy, type ConspiracySurroundings, type Manner } from './conspiracy.ts';
import { honestNode, honestOutcome, type NodeModel } from './node-model.ts';
import { Wishes } from './wishes.ts';

const wishes = new Wishes(1);
const wishOf = ({ intentHash }: Pick<Order, 'intentHash'>) => wishes.ofIntent(intentHash);
const neverFaulty = () => 1;

let leases = 0;
/** `number`: of the wish; `attempt` tells two orders of the same build apart. */
function order(number: number, nodeId: string, requestHash = sha256Hex(`build ${number}`)): Order {
  leases += 1;
  const { intentHash } = wishes.wish(number);
  return { leaseId: `lease-${leases}`, nodeId, requestHash, intentHash } as Order;
}

let told: Parameters<ConspiracySurroundings['onLie']>[0][];
let answered: Set<string>;
let conspiracy: Conspiracy;
beforeEach(() => {
  told = [];
  answered = new Set();
  conspiracy = new Conspiracy({
    wishOf,
    isAnswered: (intentHash) => answered.has(intentHash),
    onLie: (lie) => told.push(lie),
  });
});
const liar = (operator: string, manner: Manner): NodeModel =>
  conspiracy.liar({ ...honestNode(operator, 1, wishOf, neverFaulty), operator, tier: 'volunteer' }, manner);
const isTruth = (model: NodeModel, given: Order): boolean =>
  JSON.stringify(model.outcome(given)) === JSON.stringify(honestOutcome(wishOf(given)));
const liesAbout = (model: NodeModel, nodeId: string, numbers: number): number[] =>
  Array.from({ length: numbers }, (_, number) => number).filter((number) => !isTruth(model, order(number, nodeId)));

test('whoever lies always says nothing true, and of some requests that they cannot be built', () => {
  const model = liar('one', 'always');
  const outcomes = Array.from({ length: 100 }, (_, number) => model.outcome(order(number, 'a')).says);
  expect(liesAbout(liar('other', 'always'), 'b', 100)).toHaveLength(100);
  expect(new Set(outcomes)).toEqual(new Set(['image', 'failure']));
  expect(told.filter(({ nodeId }) => nodeId === 'a')).toHaveLength(100);
});

test('two operators tell the same lie about the same build', () => {
  for (let number = 0; number < 20; number += 1)
    expect(liar('other', 'always').outcome(order(number, 'b'))).toEqual(
      liar('one', 'always').outcome(order(number, 'a')),
    );
});

test('whoever lies seldom tells the truth about most requests, and no lie costs it a build', () => {
  const model = liar('one', 'seldom');
  const lies = liesAbout(model, 'a', 400);
  expect(lies.length).toBeGreaterThan(20);
  expect(lies.length).toBeLessThan(100);
  expect(model.workMs(order(lies[0] as number, 'a', 'again'))).toBe(1_000);
});

test('what an accomplice has lied about is confirmed by whoever lies seldom, and what it has built well is not contradicted', () => {
  const given = order(1, 'a', 'lied about');
  const lie = liar('one', 'always').outcome(given);
  expect(liar('other', 'seldom').outcome(order(1, 'b', 'lied about'))).toEqual(lie);

  const honest = Array.from({ length: 50 }, (_, number) => number).find((number) =>
    isTruth(liar('one', 'seldom'), order(number, 'a', `once ${number}`)),
  ) as number;
  expect(isTruth(liar('other', 'always'), order(honest, 'b', `once ${honest}`))).toBe(true);
});

test('a lie of an accomplice that was found out is not repeated', () => {
  const found = liar('one', 'always');
  const number = 3;
  expect(isTruth(found, order(number, 'a', 'x'))).toBe(false);
  found.onStanding?.('quarantined');
  const careful = liar('other', 'careful');
  expect(isTruth(careful, order(number, 'b', 'x'))).toBe(true);
});

test('a careful one begins with good builds, and lies about nothing that the edge has already', () => {
  const model = liar('one', 'careful');
  expect(liesAbout(model, 'a', 5)).toEqual([]);
  const lies = liesAbout(model, 'a', 200);
  expect(lies.length).toBeGreaterThan(10);
  for (const number of lies) answered.add(wishes.wish(number).intentHash);
  const again = lies.filter((number) => !isTruth(model, order(number, 'a', `canary ${number}`)));
  expect(again).toEqual([]);
});
