import { expect, it, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { archDocument, targetDocument } from '../upstream/upstream.fixture.ts';
import { plainPackages, toldSteady } from './plain-packages.fixture.ts';
import { type PartedPackages, partSteady } from './steady-packages.ts';

const TARGET = targetDocument({ packages: { 'base-files': '1', 'kmod-usb2': '6.6', vim: '9' } });
const ARCH = archDocument({
  // `opkg`, `openvpn` and `kernel` are of the tables; the others are what they were.
  packages: { vim: '8', curl: '8.1', nano: '', opkg: '2', openvpn: '2', kernel: '6', huge: '1'.repeat(300) },
});

function told({ steady, others }: PartedPackages) {
  const { names, upgrades } = toldSteady(steady);
  return { names: (names as string[]).sort(), upgrades, others: Object.fromEntries(others) };
}
const part = (pairs: readonly (readonly [string, string])[]) => partSteady(plainPackages(pairs), TARGET, ARCH);

test('what no table names and an index has is told as it is, the rest is left', () => {
  const pairs = [
    ...[['vim', '8'] as const, ['curl', '8.1'] as const, ['nano', '1'] as const, ['base-files', ''] as const],
    ...[['opkg', '1'] as const, ['openvpn', '2'] as const, ['kernel', '6'] as const, ['huge', '1'] as const],
    ['nobody', '1'] as const,
  ];
  const parted = part(pairs);
  expect(told(parted)).toEqual({
    names: ['base-files', 'curl', 'nano', 'vim'],
    // Of the version that the target has.
    upgrades: { vim: ['9', '8'], nano: ['', '1'], 'base-files': ['1', ''] },
    others: { opkg: '1', openvpn: '2', kernel: '6', huge: '1', nobody: '1' },
  });
  expect(['vim', 'curl', 'kmod-usb2', 'opkg', 'nobody'].filter(parted.steady.has)).toEqual(['vim', 'curl']);
});

test('of what is there twice the later one counts', () => {
  expect(
    told(part([...(['1', '9', '2'] as const).map((v) => ['vim', v] as const), ['opkg', '1'], ['opkg', '2']])),
  ).toEqual({ names: ['vim'], upgrades: { vim: ['9', '2'] }, others: { opkg: '2' } });
});

test('of many in a large index each is told once, and no other', () => {
  const all = Array.from({ length: 400 }, (_, n) => `package-${n}`);
  const some = all.filter((_, n) => n % 3 === 0);
  const index = { packages: Object.fromEntries(all.map((one) => [one, '1'])) };
  const { steady, others } = partSteady(plainPackages([...some, ...some].map((one) => [one, '1'])), index, {
    packages: {},
  });
  expect(told({ steady, others })).toEqual({ names: some.toSorted(), upgrades: {}, others: {} });
  expect(all.filter(steady.has)).toEqual(some);
});

test('a scan leaves alone what an earlier one found', () => {
  const first = plainPackages([['vim', '8']]);
  plainPackages([['curl', '1'] as const, ['nobody', '1'] as const]);
  expect(told(partSteady(first, TARGET, ARCH))).toEqual({ names: ['vim'], upgrades: { vim: ['9', '8'] }, others: {} });
});

it('parts any packages as their names and versions say', () => {
  const name = fc.oneof(
    fc.constantFrom('vim', 'curl', 'nano', 'base-files', 'kmod-usb2', 'opkg', 'openvpn', 'kernel', 'huge', 'curl2'),
    fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}$/).filter((word) => !/\.[ai]pk$/.test(word)),
  );
  const version = fc.oneof(fc.constantFrom('9', '8.1', '', '1'), fc.stringMatching(/^[0-9.]{0,6}$/));
  const steady = new Map([...Object.entries(ARCH.packages), ...Object.entries(TARGET.packages)]);
  for (const one of ['opkg', 'openvpn', 'kernel', 'huge']) steady.delete(one);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, version), { minLength: 1, maxLength: 40 }), (pairs) => {
      const parted = part(pairs);
      const installed = [...new Map(pairs)];
      const isSteady = ([one]: readonly [string, string]) => steady.has(one);
      expect(told(parted)).toEqual({
        names: installed
          .filter(isSteady)
          .map(([one]) => one)
          .sort(),
        upgrades: Object.fromEntries(
          installed.flatMap(([one, has]) => {
            const offered = steady.get(one);
            return offered === undefined || offered === has ? [] : [[one, [offered, has]]];
          }),
        ),
        others: Object.fromEntries(installed.filter((pair) => !isSteady(pair))),
      });
      for (const one of [...steady.keys(), ...installed.map(([has]) => has)])
        expect(parted.steady.has(one)).toBe(steady.has(one) && installed.some(([has]) => has === one));
    }),
    { numRuns: 500 },
  );
});
