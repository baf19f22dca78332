/**
 * One budget of bytes over everything that a node keeps, and a reserve that stays free on its file system. Asked before
 * anything large is written: a disk that fills in the middle of a build fails that build, every other one, and the node's
 * own database.
 */
import { evictions, type Space, shortfallOf } from './evictions.ts';
import { freeBytes } from './free-space.ts';
import type { Shelf, ShelfEntry } from './shelf.ts';

export interface DiskBudgetOptions {
  readonly bytes: number;
  readonly reserveBytes: number;
  /** On the file system in question. */
  readonly directory: string;
  /** For the node's log. */
  readonly tell?: (line: string) => void;
  /** Of the file system; statfs unless told. */
  readonly freeBytes?: (directory: string) => Promise<number>;
}

/** Room that somebody was promised. What is written of it already is on a shelf, or gone from the free space, and counts there. */
interface Promised {
  readonly bytes: number;
  readonly written: Written;
}

/** Bytes that lie in the place of what is promised. Asked often, and may be behind: then a little more room is kept. */
export type Written = () => number | Promise<number>;

type Placed = ShelfEntry & { readonly shelf: Shelf };

export class DiskBudget {
  readonly #shelves: readonly Shelf[];
  readonly #options: DiskBudgetOptions;
  readonly #promised = new Set<Promised>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(shelves: readonly Shelf[], options: DiskBudgetOptions) {
    this.#shelves = shelves;
    this.#options = options;
  }

  /** Removes the least recently used until so much fits; false where that cannot be, and then nothing was removed in vain. */
  async makeRoom(neededBytes: number): Promise<boolean> {
    return await this.#inTurn(() => this.#make(neededBytes));
  }

  /** The same for what will be written until the room is disposed of: nobody else is promised it meanwhile. */
  async hold(neededBytes: number, written: Written): Promise<Disposable | null> {
    return await this.#inTurn(async () => {
      const promised: Promised = { bytes: neededBytes, written };
      if (!(await this.#make(await yetToCome(promised)))) return null;
      this.#promised.add(promised);
      return { [Symbol.dispose]: () => void this.#promised.delete(promised) };
    });
  }

  /** As it stands; `neededBytes` is what others were promised. */
  async space(): Promise<Space> {
    return spaceOf(await this.#entries(), await this.#promisedBytes(), this.#options);
  }

  async #make(neededBytes: number): Promise<boolean> {
    const tried = new Set<string>();
    for (;;) {
      const entries = await this.#entries();
      const space = await spaceOf(entries, neededBytes + (await this.#promisedBytes()), this.#options);
      const shortfallBytes = shortfallOf(space);
      if (shortfallBytes <= 0) return true;
      const going = evictions(
        entries.filter((entry) => !tried.has(keyOf(entry))),
        shortfallBytes,
      );
      if (going === null) return false;
      for (const entry of going) {
        // Once: what stays although it was removed must not keep us here.
        tried.add(keyOf(entry));
        await this.#remove(entry);
      }
    }
  }

  async #remove({ shelf, name, bytes }: Placed): Promise<void> {
    try {
      await shelf.remove(name);
      this.#options.tell?.(`made room: ${name} of the ${shelf.name} is removed (${bytes} bytes)`);
    } catch (error) {
      this.#options.tell?.(`${name} of the ${shelf.name} cannot be removed: ${(error as Error).message}`);
    }
  }

  async #entries(): Promise<readonly Placed[]> {
    const lists = await Promise.all(
      this.#shelves.map(async (shelf) => {
        // One shelf that cannot be read must not keep the others from being tidied.
        const entries = await shelf.entries().catch((error) => {
          this.#options.tell?.(`the ${shelf.name} cannot be listed: ${error.message}`);
          return [];
        });
        return entries.map((entry) => ({ ...entry, shelf }));
      }),
    );
    return lists.flat();
  }

  async #promisedBytes(): Promise<number> {
    return sum(await Promise.all([...this.#promised].map(yetToCome)));
  }

  /** One at a time: two that look at the same free space would both take it. */
  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }
}

const yetToCome = async ({ bytes, written }: Promised): Promise<number> => Math.max(0, bytes - (await written()));

async function spaceOf(
  entries: readonly ShelfEntry[],
  neededBytes: number,
  options: DiskBudgetOptions,
): Promise<Space> {
  return {
    usedBytes: sum(entries.map(({ bytes }) => bytes)),
    budgetBytes: options.bytes,
    freeBytes: await (options.freeBytes ?? freeBytes)(options.directory),
    reserveBytes: options.reserveBytes,
    neededBytes,
  };
}

const keyOf = ({ shelf, name }: Placed): string => JSON.stringify([shelf.name, name]);

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
