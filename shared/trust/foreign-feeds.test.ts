import { describe, expect, it, test } from 'vitest';
import { type FeedOptIn, feedUrlsOf, fetchesFrom, MAX_FEED_PREFIXES, whyNoPrefixes } from './foreign-feeds.ts';

const GOOD = 'https://good.example/feeds';
const [BELOW, OTHER] = [`${GOOD}/24.10`, 'https://other.example/x'];

test.each<[string, string, FeedOptIn, readonly string[], boolean]>([
  ['a volunteer that said nothing, without feeds', 'volunteer', null, [], true],
  ['a volunteer that said nothing', 'volunteer', null, [BELOW], false],
  ['a volunteer that opted in to none', 'volunteer', [], [BELOW], false],
  ['a volunteer that opted in', 'volunteer', [GOOD], [BELOW, GOOD], true],
  ['a volunteer that opted in to one of two', 'volunteer', [GOOD], [BELOW, OTHER], false],
  ['a volunteer that opted in to both', 'volunteer', [OTHER, GOOD], [BELOW, OTHER], true],
  ['a trusted node that said nothing', 'trusted', null, [BELOW, OTHER], true],
  ['a trusted node whose owner wants none', 'trusted', [], [BELOW], false],
  ['a trusted node that opted in to one of two', 'trusted', [GOOD], [BELOW, OTHER], false],
  ['a tier that nobody knows', 'elder', null, [BELOW], false],
])('%s', (_, tier, feeds, urls, expected) => {
  expect(fetchesFrom({ tier, feeds }, urls)).toBe(expected);
});

/** What `startsWith` would let through. */
test.each([
  'https://good.example.evil.example/feeds/',
  'https://good.example/feedsx',
  'http://good.example/feeds/',
  'https://good.example:444/feeds/',
  'https://user@good.example/feeds/',
  'https://good.example/feeds/../other',
  'https://good.example/feeds/%2e%2e/other',
  'https://good.example/feeds/%252e%252e/other',
  'https://good.example/feeds/?to=evil',
  'https://good.example/feeds/#x',
  'https://good.example/feeds/\n',
])('%j is not below what was opted in to', (url) => {
  expect(fetchesFrom({ tier: 'volunteer', feeds: [GOOD] }, [url])).toBe(false);
});

describe('prefixes', () => {
  it.each([[[]], [[GOOD]], [['http://192.0.2.1:8080/x/']], [Array.from({ length: MAX_FEED_PREFIXES }, () => GOOD)]])(
    'may be %j',
    (prefixes) => {
      expect(whyNoPrefixes(prefixes)).toBeNull();
    },
  );

  it.each([
    [['good.example']],
    [['https://']],
    [['*']],
    [['file:///etc']],
    [['https://good.example/../x']],
    [['https://good.example/?q']],
    [['https://u:p@good.example/']],
    [[GOOD, 'https://good.example/\n']],
    [[`https://good.example/${'x'.repeat(500)}`]],
  ])('may not be %j', (prefixes) => {
    expect(whyNoPrefixes(prefixes)).toMatch(/^expected http or https URLs of at most 512 characters/);
  });

  it('may be as long as is allowed and no longer, and are told by their beginning', () => {
    const longest = GOOD.padEnd(512, 'x');
    expect(whyNoPrefixes([longest])).toBeNull();
    expect(whyNoPrefixes([`${longest}x`])).toMatch(new RegExp(`, got "${GOOD.padEnd(128, 'x')}"$`));
  });

  it('may not be more than there is room for', () => {
    expect(whyNoPrefixes(Array.from({ length: MAX_FEED_PREFIXES + 1 }, () => GOOD))).toBe(
      `expected at most ${MAX_FEED_PREFIXES}, got ${MAX_FEED_PREFIXES + 1}`,
    );
  });
});

test('the URLs of a normalised request are behind the names', () => {
  expect(feedUrlsOf({ repositories: ['own https://a.example/x', 'b https://b.example/'] })).toEqual([
    'https://a.example/x',
    'https://b.example/',
  ]);
});
