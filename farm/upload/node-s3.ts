/**
 * The store that a node may put files into by itself, as its owner names it: where it is, and a key that is the node's own. Half a
 * configuration stops the start, rather than every upload.
 */

import { UsageError } from '../cli/flags.ts';
import { readGivenFile } from '../cli/given-file.ts';

export interface NodeS3 {
  /** `http(s)://host[:port]` */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  /** Not read yet where it lies in a file. */
  readonly secret: { readonly text: string } | { readonly file: string };
}

export interface StorePlace extends Omit<NodeS3, 'secret'> {
  readonly secretAccessKey: string;
}

interface Given extends Omit<NodeS3, 'secret'> {
  readonly secret: string;
  readonly secretFile: string;
}

/** Longer than any secret key. */
const MAX_SECRET_BYTES = 1024;

/** Null: none is named. @throws UsageError naming the flag and what was expected */
export function nodeS3({ endpoint, bucket, region, accessKeyId, secret, secretFile }: Given): NodeS3 | null {
  if (endpoint === '') {
    if (accessKeyId || secret || secretFile)
      throw new UsageError('--s3-endpoint: expected a URL, because a key of a store is given');
    return null;
  }
  if (!/^https?:\/\/[^\s/?#@]+\/?$/.test(endpoint) || !URL.canParse(endpoint))
    throw new UsageError(`--s3-endpoint: expected http(s)://HOST[:PORT], got ${JSON.stringify(endpoint)}`);
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw new UsageError(`--s3-bucket: expected 3 to 63 of a-z 0-9 . -, got ${JSON.stringify(bucket)}`);
  if (accessKeyId === '') throw new UsageError('--s3-access-key-id: expected a key, because --s3-endpoint is set');
  if ((secret === '') === (secretFile === ''))
    throw new UsageError(
      '--s3-access-key-id: expected its secret in one of --s3-secret-file and ASU_NODE_S3_SECRET_ACCESS_KEY',
    );
  return { endpoint, bucket, region, accessKeyId, secret: secretFile === '' ? { text: secret } : { file: secretFile } };
}

/** @throws UsageError where the file of the secret cannot be read, or holds none */
export async function withSecret({ secret, ...place }: NodeS3): Promise<StorePlace> {
  if ('text' in secret) return { ...place, secretAccessKey: secret.text };
  const text = (await readGivenFile('--s3-secret-file', secret.file, MAX_SECRET_BYTES)).trim();
  if (text === '') throw new UsageError(`--s3-secret-file: expected a secret in ${secret.file}, got nothing`);
  return { ...place, secretAccessKey: text };
}
