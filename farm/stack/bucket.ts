/** Makes sure that the S3 bucket is there, with the MinIO client: the edge itself never makes buckets. */
import { Client } from 'minio';

export interface BucketOptions {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** @throws Error with what to do, where the store does not answer or refuses */
export async function ensureBucket(options: BucketOptions): Promise<void> {
  const url = new URL(options.endpoint);
  const client = new Client({
    endPoint: url.hostname,
    port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
    useSSL: url.protocol === 'https:',
    accessKey: options.accessKeyId,
    secretKey: options.secretAccessKey,
    region: options.region,
    pathStyle: true,
  });
  try {
    if (!(await client.bucketExists(options.bucket))) await client.makeBucket(options.bucket, options.region);
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    if (code === 'BucketAlreadyOwnedByYou') return;
    throw new Error(
      `the S3 store at ${options.endpoint} cannot be used (${code || (error as Error).message}). Start it (for MinIO: docker compose up -d minio), or give its keys with --set S3_ACCESS_KEY_ID=… --set S3_SECRET_ACCESS_KEY=…`,
      { cause: error },
    );
  }
}
