/** One stream of a command, read while it is written: what it said first and last is kept, and all of it shown. */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { OutputEnds } from './output-ends.ts';
import { type Pipe, takePipe } from './spare-pipes.ts';

export class OutputPipe {
  readonly #output: OutputEnds;
  readonly #reader: Socket;
  readonly #ended: Promise<void>;
  #writeEnd: number | undefined;

  private constructor({ readEnd, writeEnd }: Pipe, capBytes: number, onChunk: (chunk: Buffer) => void) {
    this.#output = new OutputEnds(capBytes);
    this.#writeEnd = writeEnd;
    this.#reader = new Socket({ fd: readEnd, readable: true, writable: false });
    this.#reader.on('data', (chunk: Buffer) => {
      this.#output.push(chunk);
      onChunk(chunk);
    });
    this.#ended = new Promise((resolve) => {
      this.#reader.once('close', () => resolve());
      this.#reader.once('end', () => resolve());
      this.#reader.once('error', () => resolve());
    });
  }

  /** @throws as takePipe does */
  static async open(directory: string, capBytes: number, onChunk: (chunk: Buffer) => void): Promise<OutputPipe> {
    return new OutputPipe(await takePipe(directory), capBytes, onChunk);
  }

  get writeEnd(): number {
    if (this.#writeEnd === undefined) throw new Error('expected an open pipe, got a closed one');
    return this.#writeEnd;
  }

  closeWriteEnd(): void {
    if (this.#writeEnd !== undefined) closeSync(this.#writeEnd);
    this.#writeEnd = undefined;
  }

  async drained(withinMs: number): Promise<void> {
    const giveUp = new AbortController();
    await Promise.race([this.#ended, sleep(withinMs, undefined, { signal: giveUp.signal }).catch(() => {})]);
    giveUp.abort();
  }

  text(): string {
    return this.#output.toString();
  }

  close(): void {
    this.closeWriteEnd();
    this.#reader.destroy();
  }
}
