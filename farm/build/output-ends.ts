/**
 * The beginning and the end of what a process prints: the first says what went wrong first, the last what it died of. A
 * build can print without end, and neither the node's memory nor the edge must hold that.
 */

export class OutputEnds {
  readonly #capBytes: number;
  #head: Buffer = Buffer.alloc(0);
  /** Chunks that end the stream; whole ones are dropped from the front, so that much output is not copied again and again. */
  readonly #tail: Buffer[] = [];
  #tailBytes = 0;
  #totalBytes = 0;

  constructor(capBytes: number) {
    this.#capBytes = capBytes;
  }

  push(chunk: Buffer): void {
    this.#totalBytes += chunk.length;
    const toHead = chunk.subarray(0, this.#capBytes - this.#head.length);
    if (toHead.length > 0) this.#head = Buffer.concat([this.#head, toHead]);
    const rest = chunk.subarray(toHead.length);
    if (rest.length === 0) return;
    // A copy: the chunk may be a slice of a buffer that the stream uses again.
    this.#tail.push(Buffer.from(rest));
    this.#tailBytes += rest.length;
    for (let first = this.#tail[0]; first && this.#tailBytes - first.length >= this.#capBytes; first = this.#tail[0]) {
      this.#tailBytes -= first.length;
      this.#tail.shift();
    }
  }

  toString(): string {
    const tail = Buffer.concat(this.#tail).subarray(-this.#capBytes);
    const cutBytes = this.#totalBytes - this.#head.length - tail.length;
    if (cutBytes === 0) return Buffer.concat([this.#head, tail]).toString('utf8');
    return `${this.#head.toString('utf8')}\n[${cutBytes} bytes left out]\n${tail.toString('utf8')}`;
  }
}

/** The ends of a text that is there already. */
export function endsOf(text: string, capBytes: number): string {
  const ends = new OutputEnds(capBytes);
  ends.push(Buffer.from(text));
  return ends.toString();
}
