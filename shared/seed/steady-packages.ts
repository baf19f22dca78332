/**
 * Packages of an index that no table of changes has ever named, so that they are what they were for every router, whatever it
 * runs. That is nearly all of them; so most of what a router has is carried over by being found, and told by being copied,
 * without a string made of it. The others go the long way, in carry-over.ts.
 */
import type { PackageList } from '../upstream/catalogue-document.ts';
import { mayBeRenamed } from '../upstream/package-changes.ts';
import { isIgnored } from './base-packages.ts';
import { isHistoricSource } from './historic-changes.ts';
import { PackageTable } from './package-table.ts';
import { NUMBERS_A_PAIR, type PlainPackages, wordIn } from './scan-pairs.ts';

export interface SteadyPackages {
  has(name: string): boolean;
  /** How many bytes `tell` writes: of all, and of those whose version is another one. */
  readonly namesLength: number;
  readonly upgradesLength: number;
  /**
   * Writes them as JSON, as they stand in an answer but with a comma behind each: `"curl","vim",` from the one place on, and
   * `"vim":["9.1-2","8.1-2"],` from the other. Up to three bytes behind the names are written as well, for the caller to
   * write over.
   */
  tell(to: Uint8Array, namesAt: number, upgradesAt: number): void;
}

export const NOTHING_STEADY: SteadyPackages = {
  has: () => false,
  namesLength: 0,
  upgradesLength: 0,
  tell: () => {},
};

export interface PartedPackages {
  readonly steady: SteadyPackages;
  readonly others: ReadonlyMap<string, string>;
}

type Names = Pick<PackageList, 'packages'>;

/** Of a name in both lists that of the target counts. */
export function partSteady(installed: PlainPackages, target: Names, arch: Names): PartedPackages {
  const { bytes, pairs } = installed;
  const ofTarget = new Found(tableOf(target), installed);
  const ofArch = new Found(tableOf(arch), installed);
  const left: number[] = [];
  // As in JSON, of two pairs with one name the later one counts.
  for (let at = pairs.length - NUMBERS_A_PAIR; at >= 0; at -= NUMBERS_A_PAIR)
    if (!ofTarget.take(at) && !ofArch.take(at)) left.push(at);
  const word = (at: number): string => wordIn(bytes, pairs[at] as number, pairs[at + 1] as number);
  const others = new Map(left.reverse().map((at) => [word(at), word(at + 2)]));
  const steady: SteadyPackages = {
    has: (name) => ofTarget.has(name) || ofArch.has(name),
    namesLength: ofTarget.namesLength + ofArch.namesLength,
    upgradesLength: ofTarget.upgradesLength + ofArch.upgradesLength,
    tell(to, namesAt, upgradesAt) {
      ofTarget.tell(to, namesAt, upgradesAt);
      ofArch.tell(to, namesAt + ofTarget.namesLength, upgradesAt + ofTarget.upgradesLength);
    },
  };
  return { steady, others };
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
  namesLength = 0;
  upgradesLength = 0;
  readonly #table: PackageTable;
  readonly #bytes: Uint8Array;
  readonly #pairs: Int32Array;
  /** A bit for each number of the table. */
  readonly #seen: Uint8Array;
  /** `NUMBERS_FOUND` for each: the place of its record, and where the version begins (0: it is the table's) and ends. */
  readonly #found: number[] = [];

  constructor(table: PackageTable, { bytes, pairs }: PlainPackages) {
    this.#table = table;
    this.#bytes = bytes;
    this.#pairs = pairs;
    this.#seen = new Uint8Array(Math.ceil(table.size / 8));
  }

  /** Whether the table has the package of this pair; of two with one name the first that is taken counts. */
  take(at: number): boolean {
    const [table, bytes, pairs, seen] = [this.#table, this.#bytes, this.#pairs, this.#seen];
    const place = table.find(bytes, pairs[at] as number, pairs[at + 1] as number, pairs[at + 4] as number);
    if (place < 0) return false;
    const number = table.numberOf(place);
    const bits = seen[number >> 3] as number;
    const bit = 1 << (number & 7);
    if ((bits & bit) !== 0) return true;
    seen[number >> 3] = bits | bit;
    this.namesLength += table.nameLength(place) + 1;
    const [start, end] = [pairs[at + 2] as number, pairs[at + 3] as number];
    const isUpgrade = !table.isVersion(place, bytes, start, end);
    if (isUpgrade) this.upgradesLength += table.length(place) + end - start + ENDING;
    this.#found.push(place, isUpgrade ? start : 0, end);
    return true;
  }

  has(name: string): boolean {
    const place = this.#table.placeOf(name);
    const number = this.#table.numberOf(place);
    return place >= 0 && ((this.#seen[number >> 3] as number) & (1 << (number & 7))) !== 0;
  }

  tell(to: Uint8Array, namesAt: number, upgradesAt: number): void {
    const [table, bytes, found] = [this.#table, this.#bytes, this.#found];
    const view = new DataView(to.buffer, to.byteOffset, to.byteLength);
    let nameAt = namesAt;
    let upgradeAt = upgradesAt;
    for (let at = 0; at < found.length; at += NUMBERS_FOUND) {
      const place = found[at] as number;
      nameAt = table.copy(place, table.nameLength(place), view, nameAt);
      to[nameAt++] = COMMA;
      const versionStart = found[at + 1] as number;
      if (versionStart === 0) continue;
      upgradeAt = table.copy(place, table.length(place), view, upgradeAt);
      const versionEnd = found[at + 2] as number;
      for (let from = versionStart; from < versionEnd; from++) to[upgradeAt++] = bytes[from] as number;
      to[upgradeAt++] = QUOTE;
      to[upgradeAt++] = CLOSE;
      to[upgradeAt++] = COMMA;
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
