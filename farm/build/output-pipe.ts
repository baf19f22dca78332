/**
 * A named pipe for one stream. Node's own pipes to a child are sockets: a script that opens /dev/stderr fails on one, and one
 * pipe cannot be given to a child under several numbers.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { BuildError } from '../../shared/build-error.ts';
import { OutputEnds } from './output-ends.ts';

export class OutputPipe {
  readonly #output: OutputEnds;
  readonly #reader: Socket;
  readonly #ended: Promise<void>;
  #writeEnd: number | undefined;

  private constructor(readEnd: number, writeEnd: number, capBytes: number, onChunk: (chunk: Buffer) => void) {
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

  static async open(file: string, capBytes: number, onChunk: (chunk: Buffer) => void): Promise<OutputPipe> {
    await rm(file, { force: true });
    const made = await execa('mkfifo', ['-m', '600', file], { reject: false, env: { LC_ALL: 'C' } });
    if (made.failed) throw made.stderr.includes('No space left') ? new BuildError('disk_full') : made;
    // Without a writer yet: only a non-blocking open for reading succeeds at once.
    const readEnd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeEnd = openSync(file, constants.O_WRONLY);
    await rm(file, { force: true });
    return new OutputPipe(readEnd, writeEnd, capBytes, onChunk);
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
