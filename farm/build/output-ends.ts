/**
 * The beginning and the end of what a process prints: the first says what went wrong first, the last what it died of. A
 * build can print without end, and neither the node's memory nor the edge must hold that.
 */

export class OutputEnds {
  readonly #capBytes: number;
  #head: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);
  #totalBytes = 0;

  constructor(capBytes: number) {
    this.#capBytes = capBytes;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  push(chunk: Buffer): void {
    this.#totalBytes += chunk.length;
    const toHead = chunk.subarray(0, this.#capBytes - this.#head.length);
    if (toHead.length > 0) this.#head = Buffer.concat([this.#head, toHead]);
    const rest = chunk.subarray(toHead.length);
    if (rest.length > 0) this.#tail = Buffer.concat([this.#tail, rest]).subarray(-this.#capBytes);
  }

  toString(): string {
    const cutBytes = this.#totalBytes - this.#head.length - this.#tail.length;
    if (cutBytes === 0) return Buffer.concat([this.#head, this.#tail]).toString('utf8');
    return `${this.#head.toString('utf8')}\n[${cutBytes} bytes left out]\n${this.#tail.toString('utf8')}`;
  }
}
