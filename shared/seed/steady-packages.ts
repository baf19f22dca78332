/**
 * Packages of an index that no table of changes has ever named, so that they are what they were for every router, whatever it
 * runs. That is nearly all of them; so most of what a router has is carried over by being found, and told by being copied,
 * without a string made of it. The others go the long way, in carry-over.ts.
 */
import type { PackageList } from '../catalogue-document.ts';
import { mayBeRenamed } from '../package-changes.ts';
import { isIgnored } from './base-packages.ts';
import { isHistoricSource } from './historic-changes.ts';
import { PackageTable } from './package-table.ts';
import { NUMBERS_A_PAIR, type PlainPackages, wordIn } from './scan-pairs.ts';

export interface SteadyPackages {
  has(name: string): boolean;
  /** JSON, as they stand in an answer: `"curl","vim"`. */
  readonly names: Uint8Array;
  /** Of those whose version is another one: `"vim":["9.1-2","8.1-2"]`. */
  readonly upgrades: Uint8Array;
}

export const NOTHING_STEADY: SteadyPackages = {
  has: () => false,
  names: new Uint8Array(),
  upgrades: new Uint8Array(),
};

export interface PartedPackages {
  readonly steady: SteadyPackages;
  readonly others: ReadonlyMap<string, string>;
}

type Names = Pick<PackageList, 'packages'>;

/** Of a name in both lists that of the target counts. */
export function partSteady(installed: PlainPackages, target: Names, arch: Names): PartedPackages {
  const { bytes, pairs } = installed;
  const isFound = new Uint8Array(pairs.length / NUMBERS_A_PAIR);
  const ofTarget = new Found(tableOf(target), installed, isFound);
  const ofArch = new Found(tableOf(arch), installed, isFound);
  const others = new Map<string, string>();
  for (let pair = isFound.indexOf(0); pair >= 0; pair = isFound.indexOf(0, pair + 1)) {
    const at = pair * NUMBERS_A_PAIR;
    const [nameStart, nameEnd] = [pairs[at] as number, pairs[at + 1] as number];
    others.set(wordIn(bytes, nameStart, nameEnd), wordIn(bytes, pairs[at + 2] as number, pairs[at + 3] as number));
  }
  const names = new Uint8Array(ofTarget.namesLength + ofArch.namesLength);
  const upgrades = new Uint8Array(ofTarget.upgradesLength + ofArch.upgradesLength);
  ofTarget.tell(names, upgrades, 0, 0);
  ofArch.tell(names, upgrades, ofTarget.namesLength, ofTarget.upgradesLength);
  const has = (name: string) => ofTarget.has(name) || ofArch.has(name);
  // Each has a comma behind it.
  return { steady: { has, names: names.subarray(0, -1), upgrades: upgrades.subarray(0, -1) }, others };
}

const COMMA = 0x2c;
const QUOTE = 0x22;
const CLOSE = 0x5d;
/** Behind the version of an upgrade. */
const ENDING = '"],'.length;
const NUMBERS_FOUND = 3;

/** What a table has of the packages of one router. */
class Found {
  /** Of what `tell` writes. */
  readonly namesLength: number;
  readonly upgradesLength: number;
  readonly #table: PackageTable;
  readonly #bytes: Uint8Array;
  /** A bit for each slot. */
  readonly #seen: Uint8Array;
  /** `NUMBERS_FOUND` for each: its slot, and where the version begins (0: it is the table's) and ends. */
  readonly #found: readonly number[];

  /** @param isFound by pair; those that are there are left alone, and those that the table has are marked */
  constructor(table: PackageTable, { bytes, pairs }: PlainPackages, isFound: Uint8Array) {
    const seen = new Uint8Array(Math.ceil(table.size / 8));
    const found: number[] = [];
    let namesLength = 0;
    let upgradesLength = 0;
    // As in JSON, of two pairs with one name the later one counts.
    for (let pair = isFound.length - 1; pair >= 0; pair--) {
      if (isFound[pair] === 1) continue;
      const at = pair * NUMBERS_A_PAIR;
      const slot = table.find(bytes, pairs[at] as number, pairs[at + 1] as number, pairs[at + 4] as number);
      if (slot < 0) continue;
      isFound[pair] = 1;
      const bits = seen[slot >> 3] as number;
      const bit = 1 << (slot & 7);
      if ((bits & bit) !== 0) continue;
      seen[slot >> 3] = bits | bit;
      namesLength += table.nameLength(slot) + 1;
      const [start, end] = [pairs[at + 2] as number, pairs[at + 3] as number];
      const isUpgrade = !table.isVersion(slot, bytes, start, end);
      if (isUpgrade) upgradesLength += table.length(slot) + end - start + ENDING;
      found.push(slot, isUpgrade ? start : 0, end);
    }
    this.namesLength = namesLength;
    this.upgradesLength = upgradesLength;
    this.#table = table;
    this.#bytes = bytes;
    this.#seen = seen;
    this.#found = found;
  }

  has(name: string): boolean {
    const slot = this.#table.slotOf(name);
    return slot >= 0 && ((this.#seen[slot >> 3] as number) & (1 << (slot & 7))) !== 0;
  }

  /** Writes both, from these places on. */
  tell(names: Uint8Array, upgrades: Uint8Array, namesStart: number, upgradesStart: number): void {
    const [table, bytes, found] = [this.#table, this.#bytes, this.#found];
    let nameAt = namesStart;
    let upgradeAt = upgradesStart;
    for (let at = 0; at < found.length; at += NUMBERS_FOUND) {
      const slot = found[at] as number;
      nameAt = table.copy(slot, table.nameLength(slot), names, nameAt);
      names[nameAt++] = COMMA;
      const versionStart = found[at + 1] as number;
      if (versionStart === 0) continue;
      upgradeAt = table.copy(slot, table.length(slot), upgrades, upgradeAt);
      const versionEnd = found[at + 2] as number;
      for (let from = versionStart; from < versionEnd; from++) upgrades[upgradeAt++] = bytes[from] as number;
      upgrades[upgradeAt++] = QUOTE;
      upgrades[upgradeAt++] = CLOSE;
      upgrades[upgradeAt++] = COMMA;
    }
  }
}

const tables = new WeakMap<object, PackageTable>();

function tableOf({ packages }: Names): PackageTable {
  let table = tables.get(packages);
  if (!table) {
    table = new PackageTable(Object.entries(packages).filter(([name]) => isSteady(name)));
    tables.set(packages, table);
  }
  return table;
}

const isSteady = (name: string): boolean => !mayBeRenamed(name) && !isHistoricSource(name) && !isIgnored(name);
