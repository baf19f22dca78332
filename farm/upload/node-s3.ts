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
  /** What a key that ends by itself comes with. */
  readonly sessionToken?: { readonly text: string } | { readonly file: string };
}

export interface StorePlace extends Omit<NodeS3, 'secret' | 'sessionToken'> {
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

interface Given extends Omit<NodeS3, 'secret' | 'sessionToken'> {
  readonly secret: string;
  readonly secretFile: string;
  readonly sessionToken: string;
  readonly sessionTokenFile: string;
}

/** Longer than any secret key. */
const MAX_SECRET_BYTES = 1024;
/** They hold a policy, signed. */
const MAX_TOKEN_BYTES = 8192;

/** Null: none is named. @throws UsageError naming the flag and what was expected */
export function nodeS3(given: Given): NodeS3 | null {
  const { endpoint, bucket, region, accessKeyId, secret, secretFile, sessionToken, sessionTokenFile } = given;
  if (endpoint === '') {
    if (accessKeyId || secret || secretFile || sessionToken || sessionTokenFile)
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
  if (sessionToken !== '' && sessionTokenFile !== '')
    throw new UsageError('--s3-session-token-file: expected it, or ASU_NODE_S3_SESSION_TOKEN, got both');
  return {
    endpoint,
    bucket,
    region,
    accessKeyId,
    secret: secretFile === '' ? { text: secret } : { file: secretFile },
    ...(sessionTokenFile !== '' && { sessionToken: { file: sessionTokenFile } }),
    ...(sessionToken !== '' && { sessionToken: { text: sessionToken } }),
  };
}

/** @throws UsageError where a file cannot be read, or holds nothing */
export async function withSecret({ secret, sessionToken, ...place }: NodeS3): Promise<StorePlace> {
  const secretAccessKey = await textOf('--s3-secret-file', 'a secret', secret, MAX_SECRET_BYTES);
  if (!sessionToken) return { ...place, secretAccessKey };
  const token = await textOf('--s3-session-token-file', 'a token', sessionToken, MAX_TOKEN_BYTES);
  return { ...place, secretAccessKey, sessionToken: token };
}

/** What no log may show. */
export const secretsOf = ({ secretAccessKey, sessionToken }: StorePlace): readonly string[] =>
  sessionToken === undefined ? [secretAccessKey] : [secretAccessKey, sessionToken];

async function textOf(flag: string, what: string, given: NodeS3['secret'], maxBytes: number): Promise<string> {
  if ('text' in given) return given.text;
  const text = (await readGivenFile(flag, given.file, maxBytes)).trim();
  if (text === '') throw new UsageError(`${flag}: expected ${what} in ${given.file}, got nothing`);
  return text;
}
