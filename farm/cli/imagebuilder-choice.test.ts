import { expect, test } from 'vitest';
import type { ShelvedImageBuilder } from '../imagebuilder/imagebuilder-shelf.ts';
import { chosen, type PruneRule, superfluous } from './imagebuilder-choice.ts';

const DAY_MS = 24 * 3_600_000;
const NOW = 100 * DAY_MS;

const shelvedOf = (
  sha256: string,
  version: string,
  target: string,
  { days = 0, bytes = 100, inUse = false } = {},
): ShelvedImageBuilder => ({
  sha256: sha256.padEnd(64, '0'),
  tree: '/state/imagebuilders/x',
  bytes,
  lastUsedMs: NOW - days * DAY_MS,
  inUse,
  record: { url: 'http://x/', version, target, signedBy: 'unsigned', fetchedAtMs: 0, bytes },
});

const shelved = [
  shelvedOf('aaaa1', '24.10.2', 'x86/64', { days: 1 }),
  shelvedOf('aaaa2', 'SNAPSHOT', 'x86/64', { days: 10 }),
  shelvedOf('bbbb', 'SNAPSHOT', 'x86/64', { days: 30, inUse: true }),
  { ...shelvedOf('cccc', '', '', { days: 20 }), record: null },
];

test.each([
  [['aaaa1'], 'aaaa1'],
  [['bbbb'], 'bbbb'],
  [['cccc'.padEnd(64, '0')], 'cccc'],
  [['24.10.2', 'x86/64'], 'aaaa1'],
])('%j is one', (words, sha256) => {
  expect(chosen(shelved, words).sha256).toBe(sha256.padEnd(64, '0'));
});

test.each([
  [['aaaa'], /aaaa means 2 ImageBuilders \(aaaa10000000, aaaa20000000\): give more digits of one/],
  [['SNAPSHOT', 'x86/64'], /means 2 ImageBuilders \(aaaa20000000, bbbb00000000\)/],
  [['dddd'], /there is no ImageBuilder dddd/],
  [['24.10.2', 'x86'], /there is no ImageBuilder 24.10.2 x86/],
  [['aaa'], /expected 4 to 64 hex digits, or a version and a target, got "aaa"/],
  [['AAAA1'], /expected 4 to 64 hex digits/],
  [['aaaa1\n'], /expected 4 to 64 hex digits/],
  [['../..'], /expected 4 to 64 hex digits/],
  [[], /expected the beginning of a sha256/],
  [['aaaa1', 'x86/64', 'more'], /expected the beginning/],
])('%j is refused', (words, sentence) => {
  expect(() => chosen(shelved, words)).toThrow(sentence);
});

test.each<[PruneRule, string[]]>([
  [{ keepDays: 100 }, []],
  [{ keepDays: 10 }, ['cccc']],
  [{ keepDays: 0 }, ['cccc', 'aaaa2', 'aaaa1']],
  [{ toBytes: 400 }, []],
  [{ toBytes: 399 }, ['cccc']],
  [{ toBytes: 150 }, ['cccc', 'aaaa2', 'aaaa1']],
  [{ toBytes: 0 }, ['cccc', 'aaaa2', 'aaaa1']],
])('with %j these go, the oldest first, and never what is in use: %j', (rule, going) => {
  expect(superfluous(shelved, rule, NOW).map(({ sha256 }) => sha256)).toEqual(
    going.map((name) => name.padEnd(64, '0')),
  );
});
