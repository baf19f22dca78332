import { describe, expect, it, test } from 'vitest';
import page from '../../docs/trust.md?raw';
import type { NormalizedRequest } from '../request/normalize-request.ts';
import { normalizedRequest } from '../request/normalized-request.fixture.ts';
import { isProven, ruleFor, TRUST_RULES, trustPolicySchema } from './policy.ts';
import { policyTable } from './policy-table.ts';

const policy = trustPolicySchema.parse({});
const DAY_MS = 24 * 3_600_000;

const foreign = { repositories: ['own https://feeds.example/x'] };
const secret = { defaultsMac: 'e'.repeat(64) };

test.each<[string, Partial<NormalizedRequest>, boolean, string]>([
  ['a release', {}, true, 'release: anyone'],
  ['a snapshot', { version: 'SNAPSHOT' }, true, 'snapshot: anyone'],
  ['a branch’s snapshot', { version: '24.10-SNAPSHOT' }, true, 'snapshot: anyone'],
  ['a target that is not known to be reproducible', {}, false, 'not_reproducible: trusted'],
  ['foreign feeds', foreign, true, 'foreign_feeds: opted_in'],
  ['foreign feeds of a snapshot', { ...foreign, version: 'SNAPSHOT' }, true, 'foreign_feeds: opted_in'],
  ['foreign feeds, for a target that is not known to be reproducible', foreign, false, 'not_reproducible: trusted'],
  ['foreign feeds and `defaults`', { ...foreign, ...secret }, true, 'defaults: trusted'],
  ['`defaults`', secret, true, 'defaults: trusted'],
  ['all of it', { ...secret, ...foreign, version: 'SNAPSHOT' }, false, 'defaults: trusted'],
])('%s', (_, fields, isReproducible, expected) => {
  const { condition, builders } = ruleFor(normalizedRequest(fields), isReproducible, policy);
  expect(`${condition}: ${builders}`).toBe(expected);
});

describe('the setting', () => {
  it('takes conditions from volunteers, and gives them none', () => {
    const strict = trustPolicySchema.parse({ trusted_only: ['snapshot'] });
    expect(ruleFor(normalizedRequest({ version: 'SNAPSHOT' }), true, strict).builders).toBe('trusted');
    expect(ruleFor(normalizedRequest(), true, strict).builders).toBe('anyone');
    const loose = trustPolicySchema.parse({ reproducible: ['* *'], distinct_networks: false, active_operators: 2 });
    expect(ruleFor(normalizedRequest(secret), true, loose).builders).toBe('trusted');
    expect(ruleFor(normalizedRequest(foreign), true, loose).builders).toBe('opted_in');
  });
});

test.each<[situation: string, setting: object, path: string | null]>([
  ['as many operators of whom nobody has heard as of others', { operators: 3, unproven_operators: 3 }, null],
  ['fewer of those', { operators: 3, unproven_operators: 2 }, 'unproven_operators'],
  ['one operator alone', { operators: 1 }, 'operators'],
  ['more operators than there will ever be', { operators: 17, unproven_operators: 16 }, 'operators'],
  ['half an operator', { unproven_operators: 3.5 }, 'unproven_operators'],
  ['a farm of one', { active_operators: 1 }, 'active_operators'],
  ['no canaries', { canary_one_in: 0 }, null],
  ['every target', { reproducible: ['* *'] }, null],
  ['a target of a branch', { reproducible: ['24.10 mediatek/filogic_2-x'] }, null],
  ['all targets of snapshots', { reproducible: ['SNAPSHOT *'] }, null],
  ['a branch with a digit too many', { reproducible: ['124.10 *'] }, 'reproducible.0'],
  ['a branch with a digit too few', { reproducible: ['2.10 *'] }, 'reproducible.0'],
  ['half a branch', { reproducible: ['24.1 *'] }, 'reproducible.0'],
  ['a release', { reproducible: ['24.10.2 *'] }, 'reproducible.0'],
  ['a target without its subtarget', { reproducible: ['24.10 x86'] }, 'reproducible.0'],
  ['a target in capitals', { reproducible: ['24.10 X86/64'] }, 'reproducible.0'],
  ['something behind the target', { reproducible: ['24.10 x86/64 '] }, 'reproducible.0'],
])('a policy of %s, %j, is refused at %j', (_, setting, path) => {
  const parsed = trustPolicySchema.safeParse(setting);
  expect(parsed.success ? null : parsed.error.issues[0]?.path.join('.')).toBe(path);
});

test.each<[('snapshot' | 'release' | 'foreign_feeds')[], Partial<NormalizedRequest>, string]>([
  [['foreign_feeds'], foreign, 'trusted'],
  [['foreign_feeds'], {}, 'anyone'],
  [['release'], foreign, 'trusted'],
  [['release'], { version: 'SNAPSHOT' }, 'anyone'],
  [['release'], { ...foreign, version: 'SNAPSHOT' }, 'opted_in'],
  [['snapshot'], { ...foreign, version: 'SNAPSHOT' }, 'trusted'],
  [['snapshot'], foreign, 'opted_in'],
])('trusted_only %j takes from volunteers all that it is true of: %j is for %s', (trusted_only, fields, builders) => {
  expect(ruleFor(normalizedRequest(fields), true, trustPolicySchema.parse({ trusted_only })).builders).toBe(builders);
});

test.each([
  [10, 31, true],
  [9, 31, false],
  [10, 30, false],
  [1_000, 1, false],
])('%i confirmed images in %i days prove an operator: %s', (confirmedImages, days, proven) => {
  expect(isProven({ confirmedImages, since: 1_000 }, policy, 1_000 + days * DAY_MS)).toBe(proven);
});

test('an operator without nodes is proven by nothing', () => {
  expect(isProven({ confirmedImages: 99, since: Number.POSITIVE_INFINITY }, policy, 1e15)).toBe(false);
});

describe('the table of docs/trust.md', () => {
  const rows = policyTable(policy).map((cells) => `| ${cells.join(' | ')} |`);

  it('is what the code does, in the order in which it looks', () => {
    expect(page).toContain(rows.join('\n'));
    expect(rows).toHaveLength(TRUST_RULES.length);
  });

  it('has the numbers of the setting', () => {
    for (const [name, value] of Object.entries(policy))
      expect(page).toContain(`| \`${name}\` | \`${JSON.stringify(value)}\` |`);
  });
});
