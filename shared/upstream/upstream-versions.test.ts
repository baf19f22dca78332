import { describe, expect, it } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { OPENWRT_BRANCHES } from './branch.ts';
import { parseTargetsJson, parseVersionsJson, snapshotsOf } from './upstream-versions.ts';

describe('.versions.json', () => {
  it('gives the releases newest first, and the upcoming one although the list leaves it out', () => {
    const text = JSON.stringify({
      stable_version: '24.10.2',
      oldstable_version: '23.05.5',
      upcoming_version: '25.12.0-rc1',
      versions_list: ['23.05.5', '24.10.10', '24.10.2', '24.10.0-rc7', '24.10.0'],
    });
    expect(parseVersionsJson(text)).toEqual({
      releases: ['25.12.0-rc1', '24.10.10', '24.10.2', '24.10.0', '24.10.0-rc7', '23.05.5'],
      stable: '24.10.2',
      oldstable: '23.05.5',
      upcoming: '25.12.0-rc1',
    });
  });

  it('gives nothing that is not a release', () => {
    const versions_list = ['../24.10.1', '24.10-SNAPSHOT', 'SNAPSHOT', '__proto__', 24.1, null, '24.10.1\n', '24.10.1'];
    const text = JSON.stringify({ stable_version: '../x', oldstable_version: 7, versions_list });
    expect(parseVersionsJson(text)).toEqual({ releases: ['24.10.1'], stable: '', oldstable: '', upcoming: '' });
  });

  it.each(['<html>', '{', '[]', '{}', '{"versions_list":[]}', '{"versions_list":["x"]}', 'null'])(
    'that is %j is refused',
    (text) => {
      expect(() => parseVersionsJson(text)).toThrow(/^expected /);
    },
  );
});

describe('.versions.json has limits', () => {
  const listed = (...versions_list: string[]) => parseVersionsJson(JSON.stringify({ versions_list })).releases;
  const numbered = (count: number) => Array.from({ length: count }, (_, at) => `24.10.${at}`);

  it('of a thousand versions, each of 64 characters', () => {
    expect(listed(...numbered(1_000))).toHaveLength(1_000);
    expect(listed(...numbered(1_000), '24.10.0')).toHaveLength(1_000);
    expect(() => listed(...numbered(1_001))).toThrow('expected at most 1000 versions, got 1001');
    const long = `24.10.${'1'.repeat(58)}`;
    expect(listed(long, `${long}1`)).toEqual([long]);
  });

  it('and needs no release in its list where one is upcoming', () => {
    const text = JSON.stringify({ upcoming_version: '25.12.0-rc1', versions_list: [] });
    expect(parseVersionsJson(text).releases).toEqual(['25.12.0-rc1']);
  });
});

describe('.targets.json', () => {
  it('has limits, of two thousand targets and of each name', () => {
    const numbered = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`x86/${at}`, 'x86_64']));
    expect(Object.keys(parseTargetsJson(JSON.stringify(numbered(2_000))))).toHaveLength(2_000);
    expect(() => parseTargetsJson(JSON.stringify(numbered(2_001)))).toThrow('expected at most 2000 targets, got 2001');
    const target = (characters: number) => `x86/${'s'.repeat(characters - 4)}`;
    const targets = { [target(128)]: 'a'.repeat(64), [target(129)]: 'a', 'x86/65': 'a'.repeat(65), 'x86/0': '' };
    expect(parseTargetsJson(JSON.stringify(targets))).toEqual({ [target(128)]: 'a'.repeat(64) });
  });

  it('takes as an architecture one word that begins with a letter or a digit', () => {
    const good = ['aarch64_cortex-a53', '8051', 'Z', 'c++'];
    const bad = ['_x', '-x', '+x', 'a.b', 'a/b', ' a', 'a ', 'a\n', 'ü'];
    const targets = Object.fromEntries([...good, ...bad].map((name, at) => [`x86/${10 + at}`, name]));
    expect(Object.values(parseTargetsJson(JSON.stringify(targets)))).toEqual(good);
  });

  it('tells its targets in order', () => {
    const text = '{"b/1":"x","a/2":"x","c/1":"x","a/1":"x"}';
    expect(Object.keys(parseTargetsJson(text))).toEqual(['a/1', 'a/2', 'b/1', 'c/1']);
  });

  it('maps targets to architectures, without what could be a path', () => {
    const text = `{"x86/64":"x86_64","ath79/generic":"mips_24kc","../x":"x86_64","a/b/c":"x86_64","__proto__":"x86_64",
      "mediatek/filogic":"..","bcm27xx/bcm2711":"../x86_64","bcm27xx/bcm2712":7}`;
    expect(parseTargetsJson(text)).toEqual({ 'ath79/generic': 'mips_24kc', 'x86/64': 'x86_64' });
  });

  it('may be empty, but a page is refused', () => {
    expect(parseTargetsJson('{}')).toEqual({});
    expect(() => parseTargetsJson('<html>')).toThrow(/expected JSON/);
    expect(() => parseTargetsJson('{"error":"not found"}')).toThrow(/expected "target/);
  });

  it('never yields a path outside of its version, whatever it holds', () => {
    const part = fc.oneof(fc.constantFrom('..', '.', '', '/', 'x86', '__proto__', '%2e%2e', 'a\\b'), fc.string());
    fc.assert(
      fc.property(part, part, part, (a, b, arch) => {
        const text = JSON.stringify({ 'x86/64': 'x86_64', [`${a}/${b}`]: arch });
        for (const [target, architecture] of Object.entries(parseTargetsJson(text))) {
          const base = 'http://mirror/releases/24.10.1/targets/';
          expect(new URL(`${target}/profiles.json`, base).href).toBe(`${base}${target}/profiles.json`);
          expect(new URL(`${architecture}/feeds.conf`, base).href).toBe(`${base}${architecture}/feeds.conf`);
        }
      }),
    );
  });
});

describe('snapshots', () => {
  it('are offered by branches that are enabled and have some', () => {
    expect(snapshotsOf(OPENWRT_BRANCHES.toReversed())).toEqual([
      'SNAPSHOT',
      '25.12-SNAPSHOT',
      '24.10-SNAPSHOT',
      '23.05-SNAPSHOT',
    ]);
    expect(snapshotsOf([{ name: '24.10', enabled: true, snapshot: false, branchOffRevision: 1 }])).toEqual([]);
    expect(snapshotsOf([{ name: '24.10', enabled: false, snapshot: true, branchOffRevision: 1 }])).toEqual([]);
  });
});
