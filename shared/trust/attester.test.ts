import { expect, test } from 'vitest';
import type { Attester, PublishingRule } from './attester.ts';
import { ruleOf, suffice } from './attester.ts';

type Voice = Pick<Attester, 'tier' | 'operator'>;
const trusted = (operator: string): Voice => ({ tier: 'trusted', operator });
const volunteer = (operator: string): Voice => ({ tier: 'volunteer', operator });

test.each<[string, Voice[], PublishingRule]>([
  ['a trusted node', [trusted('a')], { rule: 'trusted', operators: 1 }],
  ['one beside volunteers', [volunteer('b'), trusted('a'), volunteer('c')], { rule: 'trusted', operators: 1 }],
  ['two trusted ones', [trusted('a'), trusted('b')], { rule: 'trusted', operators: 1 }],
  ['a volunteer', [volunteer('a')], { rule: 'operators', operators: 1 }],
  ['three of three operators', ['a', 'b', 'c'].map(volunteer), { rule: 'operators', operators: 3 }],
  ['three of two operators', ['a', 'b', 'a'].map(volunteer), { rule: 'operators', operators: 2 }],
  ['nobody', [], { rule: 'operators', operators: 1 }],
])('%s decided by the rule that fits them', (_, attesters, rule) => {
  expect(ruleOf(attesters)).toEqual(rule);
});

const TRUSTED: PublishingRule = { rule: 'trusted', operators: 1 };
const TWO: PublishingRule = { rule: 'operators', operators: 2 };

test.each<[string, Voice[], PublishingRule, boolean]>([
  ['a trusted node, where one was needed', [trusted('a')], TRUSTED, true],
  ['one beside volunteers, where one was needed', [volunteer('b'), trusted('a')], TRUSTED, true],
  ['a volunteer, where a trusted node was needed', [volunteer('a')], TRUSTED, false],
  ['many volunteers, where a trusted node was needed', ['a', 'b', 'c'].map(volunteer), TRUSTED, false],
  ['a trusted node, where two operators were needed', [trusted('a')], TWO, true],
  ['two operators', ['a', 'b'].map(volunteer), TWO, true],
  ['three operators, where two were needed', ['a', 'b', 'c'].map(volunteer), TWO, true],
  ['one operator of two', [volunteer('a')], TWO, false],
  ['two nodes of one operator', ['a', 'a'].map(volunteer), TWO, false],
  ['nobody', [], { rule: 'operators', operators: 1 }, false],
])('%s: enough, or not', (_, attesters, rule, isEnough) => {
  expect(suffice(attesters, rule)).toBe(isEnough);
});
