/**
 * A bucket copied to a directory and back, as `rclone sync` and `mc mirror` do it: the bytes of each object under its name. What a store
 * keeps beside them (digests, types) does not come through every such tool, and is left behind here.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { S3Server } from '../provided-context.ts';
import { s3Client, storedNames } from './stored-names.ts';

/** Of a bucket in use: what went since it was listed is passed over. */
export async function copyOut(s3: S3Server, bucket: string, directory: string): Promise<void> {
  const client = s3Client(s3);
  for (const name of await storedNames(s3, bucket, '')) {
    const file = path.join(directory, name);
    const bytes = await client.getObject(bucket, name).then(buffer, (error: { readonly code?: string }) => {
      if (error.code !== 'NoSuchKey') throw error;
      return null;
    });
    if (bytes === null) continue;
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}

export async function copyIn(s3: S3Server, bucket: string, directory: string): Promise<void> {
  const client = s3Client(s3);
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    await client.putObject(bucket, path.relative(directory, file), await readFile(file));
  }
}

export async function emptyBucket(s3: S3Server, bucket: string): Promise<void> {
  const client = s3Client(s3);
  for (const name of await storedNames(s3, bucket, '')) await client.removeObject(bucket, name);
}
