/**
 * The store as a trusted node reaches it by itself, by the MinIO client: one PUT, or parts of 8 MiB that are read from disk one
 * after the other. The id of an upload in parts is written down before the first of them, so that a node that died in the middle
 * sends only those that are missing, and so that what nobody wants any more can be dropped. What lies there counts for nothing
 * until the edge has hashed it.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { OutputFile } from '../agent/build-event.ts';
import { backoffMs, pause } from '../backoff.ts';
import { askS3, type S3Client } from '../s3-client.ts';
import type { BegunUploads } from './begun-uploads.ts';
import type { StorePlace } from './node-s3.ts';

/** Held in memory while it is sent; 4 GiB are 512 of them. */
export const PART_BYTES = 8 * 1024 * 1024;
/** In a row. */
const MAX_TRIES = 6;
/** Of one part, and of the store's making one object of them. */
const PATIENCE_MS = 120_000;
/** After the store has refused, files go through the edge for so long. */
const REST_MS = 10 * 60_000;

export interface DirectPut {
  readonly file: OutputFile;
  readonly key: string;
  readonly signal: AbortSignal;
  /** Bytes of this file that are there. */
  readonly onProgress: (bytesDone: number) => void;
}

export interface DirectStoreOptions {
  readonly place: StorePlace;
  readonly begun: BegunUploads;
  readonly log: (line: string) => void;
  /** In milliseconds, from whatever beginning. */
  readonly now?: () => number;
}

export class DirectStore {
  readonly #options: DirectStoreOptions;
  readonly #now: () => number;
  #restsUntil = Number.NEGATIVE_INFINITY;
  #isTold = false;

  constructor(options: DirectStoreOptions) {
    this.#options = options;
    // Not the time of day: a clock that is set right meanwhile could have it rest for years.
    this.#now = options.now ?? (() => performance.now());
  }

  /** False after it has refused, for a while. */
  get isOpen(): boolean {
    return this.#now() >= this.#restsUntil;
  }

  /** Whether the file is there. False: it is to go through the edge; why is in the log, once. */
  async put(put: DirectPut): Promise<boolean> {
    try {
      await this.#put(put);
      this.#isTold = false;
      return true;
    } catch (error) {
      if (put.signal.aborted) throw error;
      this.refuse(`${put.file.name} was not taken: ${(error as Error).message}`);
      await this.#drop(put.key, put.signal);
      return false;
    }
  }

  /** It is of no use, for a while. */
  refuse(why: string): void {
    this.#restsUntil = this.#now() + REST_MS;
    if (!this.#isTold)
      this.#options.log(`the store at ${this.#options.place.endpoint} is not used: ${why}; files go through the edge`);
    this.#isTold = true;
  }

  /** Drops what was begun for leases that are over. Of what cannot be dropped the bucket's own rule takes care. */
  async dropAllBut(leaseIds: readonly string[], signal: AbortSignal): Promise<void> {
    for (const key of this.#options.begun.keys())
      if (!leaseIds.some((leaseId) => key.split('/').includes(leaseId))) await this.#drop(key, signal);
  }

  async #drop(key: string, signal: AbortSignal): Promise<void> {
    const { begun, place, log } = this.#options;
    const uploadId = begun.find(key);
    if (uploadId === null) return;
    await askS3(place, patient(signal), (client) => client.abortMultipartUpload(place.bucket, key, uploadId)).catch(
      (error) => log(`an upload that was begun cannot be dropped: ${(error as Error).message}`),
    );
    begun.forget(key);
  }

  async #put({ file, key, signal, onProgress }: DirectPut): Promise<void> {
    const { place, begun, log } = this.#options;
    const ask = <Result>(question: (client: S3Client) => Promise<Result>): Promise<Result> =>
      withTries(signal, () => askS3(place, patient(signal), question));
    await using handle = await open(file.path, 'r');
    if (file.sizeBytes <= PART_BYTES) {
      const bytes = await handle.readFile();
      await ask((client) => client.putObject(place.bucket, key, bytes, bytes.length));
      return onProgress(bytes.length);
    }
    const there = await this.#partsThere(key, ask);
    if (there.size > 0) log(`${file.name}: ${there.size} parts are in the store already`);
    const uploadId =
      begun.find(key) ??
      begun.note(key, await ask((client) => client.initiateNewMultipartUpload(place.bucket, key, {})));
    const buffer = Buffer.allocUnsafeSlow(PART_BYTES);
    const etags: { part: number; etag: string }[] = [];
    for (let part = 1, offset = 0; offset < file.sizeBytes; part += 1, offset += PART_BYTES) {
      const bytes = buffer.subarray(0, Math.min(PART_BYTES, file.sizeBytes - offset));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
      if (bytesRead !== bytes.length)
        throw new Error(`expected ${bytes.length} bytes of part ${part}, got ${bytesRead}`);
      const md5 = createHash('md5').update(bytes).digest();
      const etag =
        there.get(part) === md5.toString('hex')
          ? md5.toString('hex')
          : (
              await ask((client) =>
                client.uploadPart(
                  {
                    bucketName: place.bucket,
                    objectName: key,
                    uploadID: uploadId,
                    partNumber: part,
                    headers: { 'content-md5': md5.toString('base64') },
                  },
                  bytes,
                ),
              )
            ).etag;
      etags.push({ part, etag });
      onProgress(offset + bytes.length);
    }
    await ask((client) => client.completeMultipartUpload(place.bucket, key, uploadId, etags)).catch((error) => {
      // The answer to an earlier try was lost. What became of it the edge sees when it hashes the file.
      if (codeOf(error) !== 'NoSuchUpload') throw error;
    });
    begun.forget(key);
  }

  /** By number, the MD5 of each. */
  async #partsThere(
    key: string,
    ask: <Result>(question: (client: S3Client) => Promise<Result>) => Promise<Result>,
  ): Promise<ReadonlyMap<number, string>> {
    const { begun, place } = this.#options;
    const uploadId = begun.find(key);
    if (uploadId === null) return new Map();
    try {
      return await ask((client) => client.partsThere(place.bucket, key, uploadId));
    } catch (error) {
      if (codeOf(error) !== 'NoSuchUpload') throw error;
      begun.forget(key);
      return new Map();
    }
  }
}

const codeOf = (error: unknown): string => String((error as { readonly code?: unknown }).code ?? '');

/** What passes by itself; whatever else a store says it says again. */
const PASSING: readonly string[] = ['InternalError', 'RequestTimeout', 'ServiceUnavailable', 'SlowDown'];

async function withTries<Result>(signal: AbortSignal, ask: () => Promise<Result>): Promise<Result> {
  for (let failures = 0; ; ) {
    try {
      return await ask();
    } catch (error) {
      failures += 1;
      const isRefused = (error as Error).name === 'S3Error' && !PASSING.includes(codeOf(error));
      if (isRefused || signal.aborted || failures >= MAX_TRIES) throw error;
      await pause(backoffMs(failures, Math.random()), signal);
    }
  }
}

const patient = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
