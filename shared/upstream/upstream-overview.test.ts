import { describe, expect, it } from 'vitest';
import { parseOverviewJson } from './upstream-overview.ts';

const overview = (...profiles: unknown[]): string => JSON.stringify({ release: '24.10.2', profiles });
const profile = (id: unknown, titles: unknown, target: unknown = 'ath79/generic') => ({ id, target, titles });

describe('.overview.json', () => {
  it('gives each device under each of its names, in the order of names whatever their case', () => {
    const text = overview(
      profile('tplink_c7-v5', [{ vendor: 'TP-Link', model: 'Archer C7', variant: 'v5' }, { title: 'archer A7' }]),
      profile('generic', [{ vendor: 'Generic', model: 'x86/64' }], 'x86/64'),
    );
    expect(parseOverviewJson(text)).toEqual([
      { model: 'archer A7', target: 'ath79/generic', profile: 'tplink_c7-v5' },
      { model: 'Generic x86/64', target: 'x86/64', profile: 'generic' },
      { model: 'TP-Link Archer C7 v5', target: 'ath79/generic', profile: 'tplink_c7-v5' },
    ]);
  });

  it('gives devices of one name in the order of targets and profiles', () => {
    const twins = [profile('b', [{ title: 'Twin' }]), profile('a', [{ title: 'Twin' }])];
    expect(parseOverviewJson(overview(...twins)).map((entry) => entry.profile)).toEqual(['a', 'b']);
    const targets = [profile('a', [{ title: 'Twin' }], 'x86/64'), profile('b', [{ title: 'Twin' }], 'ath79/nand')];
    expect(parseOverviewJson(overview(...targets)).map((entry) => entry.profile)).toEqual(['b', 'a']);
  });

  it.each([
    ['no titles', undefined],
    ['titles that are none', [7, null, {}, { model: 3 }, { title: '' }]],
  ])('gives a device with %s under its profile', (_, titles) => {
    expect(parseOverviewJson(overview(profile('nameless', titles)))).toEqual([
      { model: 'nameless', target: 'ath79/generic', profile: 'nameless' },
    ]);
  });

  it('leaves out what is no device, and cuts names', () => {
    const good = profile('good', [{ title: 'x'.repeat(1_000) }]);
    const bad = [
      profile('../x', []),
      profile('%', []),
      profile('ok', [], '../../etc'),
      profile('ok', [], '__proto__'),
      profile('ok', [], ['ath79/generic']),
      profile('x'.repeat(129), []),
      profile(7, []),
      null,
      [],
      'x',
    ];
    expect(parseOverviewJson(overview(...bad, good))).toEqual([
      { model: 'x'.repeat(200), target: 'ath79/generic', profile: 'good' },
    ]);
  });

  it('has limits, of each name and of names of a device', () => {
    const [longest, tooLong] = ['i'.repeat(128), 'i'.repeat(129)];
    const [place, tooFar] = [`a/${'b'.repeat(126)}`, `a/${'b'.repeat(127)}`];
    const ids = [profile(longest, [], place), profile(tooLong, []), profile('x', [], tooFar)];
    expect(parseOverviewJson(overview(...ids))).toEqual([{ model: longest, target: place, profile: longest }]);
    const titles = Array.from({ length: 51 }, (_, at) => ({ title: `n${at + 10}` }));
    const models = parseOverviewJson(overview(profile('x', titles))).map(({ model }) => model);
    expect(models).toEqual(titles.slice(0, 50).map(({ title }) => title));
    expect(parseOverviewJson(overview(profile('x', [{ title: 'T' }, { title: 'T' }])))).toHaveLength(1);
    expect(parseOverviewJson(overview(profile('x', 'T')))[0]?.model).toBe('x');
    expect(parseOverviewJson(overview(...Array(20_000).fill(profile('x', []))))).toHaveLength(20_000);
  });

  it('of a version without devices yet is an empty list', () => {
    expect(parseOverviewJson(overview())).toEqual([]);
  });

  it.each([
    ['no JSON', '<html>', 'expected JSON, got "<html>"'],
    ['a list', '[]', 'expected a JSON object'],
    ['nothing', '{}', 'expected "profiles" to be an array'],
    ['none that is a device', overview('x'), 'expected "profiles" with id and target, got none'],
    ['too many', overview(...Array(20_001).fill(0)), 'expected at most 20000 profiles, got 20001'],
    [
      'too many names',
      overview(
        ...Array(1_001).fill(
          profile(
            'a',
            Array.from({ length: 20 }, (_, n) => ({ title: `${n}` })),
          ),
        ),
      ),
      'expected at most 20000 models, got 20020',
    ],
  ])('with %s is refused', (_, text, message) => {
    expect(() => parseOverviewJson(text)).toThrow(message);
  });
});
