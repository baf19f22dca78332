/**
 * Two files that the edge serves from the object store, and by which way a Worker that only hands the store's bytes on gets the same
 * ones: an address that is signed beforehand, so that the yardstick signs nothing.
 */
import { createHash, randomBytes } from 'node:crypto';
import { storeKey } from '../shared/build/build-record.ts';
import type { BenchServer } from './bench-server.ts';
import type { FinishedBuild } from './finished-builds.ts';
import { storeClient } from './seed.ts';

export interface StoredFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Below the edge. */
  readonly path: string;
  /** Below the hello. */
  readonly plainPath: string;
}

const SIGNED_FOR_SECONDS = 3 * 3_600;
const KIB = 1024;

/** In the order of their sizes: what a manifest or a small image is, and what a combined image with a rootfs is. */
const STORED_SIZES = [64 * KIB, 64 * KIB * KIB] as const;

/** Stores them, and has the build's record name them. The build must not be published yet. */
export async function storeFiles(
  server: BenchServer,
  build: FinishedBuild,
): Promise<{ readonly build: FinishedBuild; readonly files: readonly StoredFile[] }> {
  const { store } = server;
  const client = storeClient(store);
  const { record } = build;
  const made = STORED_SIZES.map((sizeBytes) => {
    const bytes = randomBytes(sizeBytes);
    return {
      bytes,
      file: { name: `bench-${sizeBytes}.bin`, sizeBytes, sha256: createHash('sha256').update(bytes).digest('hex') },
    };
  });
  const files: StoredFile[] = [];
  for (const { bytes, file } of made) {
    const key = storeKey.object(record.leaseId, file.name);
    await client.putObject(store.bucket, key, bytes);
    const signed = await client.presignedGetObject(store.bucket, key, SIGNED_FOR_SECONDS);
    files.push({
      ...file,
      path: `/store/${record.requestHash}/${file.name}`,
      plainPath: `/stream?from=${encodeURIComponent(signed)}`,
    });
  }
  return {
    build: { ...build, record: { ...record, files: [...record.files, ...made.map(({ file }) => file)] } },
    files,
  };
}

/** Both ways give the same bytes. @throws Error where they do not */
export async function verifyFiles(
  server: BenchServer,
  files: readonly StoredFile[],
  signal: AbortSignal,
): Promise<void> {
  for (const { path, plainPath, sizeBytes } of files) {
    const [ours, plain] = await Promise.all(
      [server.edgeUrl + path, server.helloUrl + plainPath].map(async (url) => {
        const answer = await fetch(url, { signal });
        const hash = createHash('sha256');
        for await (const chunk of answer.body ?? []) hash.update(chunk);
        return { status: answer.status, sha256: hash.digest('hex') };
      }),
    );
    if (ours?.status !== 200 || ours.sha256 !== plain?.sha256)
      throw new Error(`expected ${sizeBytes} bytes of ${path} by both ways, got ${JSON.stringify({ ours, plain })}`);
  }
}
