/** Packages of a body in both of their forms, and an answer as its client reads it. */
import { utf8ToBytes } from '../digest.ts';
import { NUMBERS_A_PAIR, PlainPackages, scanPairs, wordIn } from './scan-pairs.ts';
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
