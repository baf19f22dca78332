/**
 * The beginning and the end of what a process prints: the first says what went wrong first, the last what it died of. A
 * build can print without end, and neither the node's memory nor the edge must hold that.
 */

export class OutputEnds {
  readonly #capBytes: number;
  readonly #head: Block;
  /** The end is in these two: whenever one is full it is the elder, and the elder goes. */
  #elder: Block;
  #newer: Block;
  #totalBytes = 0;

  /** @param capBytes of each end, at least 1 */
  constructor(capBytes: number) {
    this.#capBytes = capBytes;
    this.#head = new Block(capBytes);
    this.#elder = new Block(capBytes);
    this.#newer = new Block(capBytes);
  }

  push(chunk: Buffer): void {
    this.#totalBytes += chunk.length;
    for (let rest = this.#head.take(chunk); rest.length > 0; rest = this.#newer.take(rest))
      if (this.#newer.isFull) [this.#elder, this.#newer] = [this.#newer, new Block(this.#capBytes)];
  }

  toString(): string {
    const head = this.#head.bytes;
    const tail = Buffer.concat([this.#elder.bytes, this.#newer.bytes]).subarray(-this.#capBytes);
    const cutBytes = this.#totalBytes - head.length - tail.length;
    if (cutBytes === 0) return Buffer.concat([head, tail]).toString('utf8');
    return `${head.toString('utf8')}\n[${cutBytes} bytes left out]\n${tail.toString('utf8')}`;
  }
}

/**
 * Bytes in a row, up to a number. Its room is doubled where it does not suffice, so that each byte is copied a few times,
 * whatever the size of the chunks: a program may print four megabytes a character at a time.
 */
class Block {
  readonly #capBytes: number;
  #room: Buffer = Buffer.alloc(0);
  #sizeBytes = 0;

  constructor(capBytes: number) {
    this.#capBytes = capBytes;
  }

  get isFull(): boolean {
    return this.#sizeBytes === this.#capBytes;
  }

  get bytes(): Buffer {
    return this.#room.subarray(0, this.#sizeBytes);
  }

  /** A copy of what there is room for, since a stream uses its buffers again; gives the rest. */
  take(chunk: Buffer): Buffer {
    const taken = chunk.subarray(0, this.#capBytes - this.#sizeBytes);
    const neededBytes = this.#sizeBytes + taken.length;
    if (neededBytes > this.#room.length) {
      const room = Buffer.alloc(Math.min(Math.max(neededBytes, 2 * this.#room.length), this.#capBytes));
      this.bytes.copy(room);
      this.#room = room;
    }
    taken.copy(this.#room, this.#sizeBytes);
    this.#sizeBytes = neededBytes;
    return chunk.subarray(taken.length);
  }
}

/** The ends of a text that is there already. */
export function endsOf(text: string, capBytes: number): string {
  const ends = new OutputEnds(capBytes);
  ends.push(Buffer.from(text));
  return ends.toString();
}
