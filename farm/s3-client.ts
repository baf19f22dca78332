/**
 * One question to an S3 store by the MinIO client, which itself knows neither a limit of time nor a signal: a store that takes a
 * connection and never answers would be waited for until somebody kills the process. So its connection is cut for it.
 */
import http from 'node:http';
import https from 'node:https';
import { Client } from 'minio';
import { unlessAborted } from './unless-aborted.ts';

export interface S3Place {
  /** `http(s)://host[:port]` */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of a key that ends by itself. */
  readonly sessionToken?: string;
}

export class S3Client extends Client {
  /** Parts of an upload that are there: by number, the MD5 of each. */
  async partsThere(bucket: string, key: string, uploadId: string): Promise<Map<number, string>> {
    const parts = await this.listParts(bucket, key, uploadId);
    return new Map(parts.map(({ part, etag }) => [part, etag.replaceAll('"', '')]));
  }
}

/** @throws what the client throws; the signal's reason */
export async function askS3<Result>(
  { endpoint, region, accessKeyId, secretAccessKey, sessionToken }: S3Place,
  signal: AbortSignal,
  ask: (client: S3Client) => Promise<Result>,
): Promise<Result> {
  const url = new URL(endpoint);
  const useSSL = url.protocol === 'https:';
  const transportAgent = useSSL ? new https.Agent() : new http.Agent();
  const client = new S3Client({
    endPoint: url.hostname,
    port: Number(url.port || (useSSL ? 443 : 80)),
    useSSL,
    accessKey: accessKeyId,
    secretKey: secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    region,
    pathStyle: true,
    transportAgent,
    // Ours wait longer after each failure, and end when they are told to.
    retryOptions: { disableRetry: true },
  });
  try {
    return await unlessAborted(() => ask(client), signal);
  } finally {
    transportAgent.destroy();
  }
}
