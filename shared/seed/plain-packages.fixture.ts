/** Packages of a body in both of their forms, what is told of steady ones, and an answer as its client reads it. */
import { utf8ToBytes } from '../crypto/digest.ts';
import { NUMBERS_A_PAIR, PlainPackages, scanPairs, wordIn } from './scan-pairs.ts';
import type { SteadyPackages } from './steady-packages.ts';
import type { InstalledPackages } from './upgrade-check-fields.ts';

/** Names may be there twice. */
export function plainPackages(pairs: readonly (readonly [name: string, version: string])[]): PlainPackages {
  const text = `{${pairs.map((pair) => pair.map((word) => `"${word}"`).join(':')).join(',')}}`;
  const plain = scanPairs(utf8ToBytes(text), 0);
  if (!plain) throw new Error(`expected plain packages, got ${text}`);
  return plain;
}

export function installedMap(installed: InstalledPackages): ReadonlyMap<string, string> {
  if (!(installed instanceof PlainPackages)) return installed;
  const { bytes, pairs } = installed;
  const word = (at: number) => wordIn(bytes, pairs[at] as number, pairs[at + 1] as number);
  return new Map(
    Array.from({ length: pairs.length / NUMBERS_A_PAIR }, (_, pair) => [
      word(pair * NUMBERS_A_PAIR),
      word(pair * NUMBERS_A_PAIR + 2),
    ]),
  );
}

export const jsonOf = (bytes: Uint8Array): unknown =>
  JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));

/** As `partSteady` tells them: one JSON text each. */
export function steadyPackages(names: readonly string[], upgrades: readonly string[]): SteadyPackages {
  const [namesBytes, upgradesBytes] = [names, upgrades].map((all) => utf8ToBytes(all.map((one) => `${one},`).join('')));
  return {
    has: () => false,
    namesLength: namesBytes?.length ?? 0,
    upgradesLength: upgradesBytes?.length ?? 0,
    tell(to, namesAt, upgradesAt) {
      to.set(namesBytes ?? [], namesAt);
      to.set(upgradesBytes ?? [], upgradesAt);
    },
  };
}

/** What is told of steady packages, as an answer has it. */
export function toldSteady(steady: SteadyPackages): { readonly names: unknown; readonly upgrades: unknown } {
  const upgradesAt = steady.namesLength + 3;
  const bytes = new Uint8Array(upgradesAt + steady.upgradesLength);
  steady.tell(bytes, 0, upgradesAt);
  const told = (open: string, part: Uint8Array, close: string) =>
    jsonOf(utf8ToBytes(open + new TextDecoder().decode(part.subarray(0, -1)) + close));
  return {
    names: told('[', bytes.subarray(0, steady.namesLength), ']'),
    upgrades: told('{', bytes.subarray(upgradesAt), '}'),
  };
}
