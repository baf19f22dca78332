/** Makes sure that the S3 bucket is there, with the MinIO client: the edge itself never makes buckets. */
import { Client } from 'minio';

export interface BucketOptions {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The store answers, and says no: it will not say yes by itself. */
export class BucketRefused extends Error {
  override readonly name = 'BucketRefused';
}

const REFUSALS: readonly string[] = [
  'AccessDenied',
  'AllAccessDisabled',
  'AuthorizationHeaderMalformed',
  'BucketAlreadyExists',
  'InvalidAccessKeyId',
  'InvalidBucketNameError',
  'InvalidBucketName',
  'SignatureDoesNotMatch',
];

/** @throws BucketRefused, or an Error where it does not answer; both with what to do */
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
    const Refusal = REFUSALS.includes(code) ? BucketRefused : Error;
    throw new Refusal(
      `the S3 store at ${options.endpoint} cannot be used (${code || (error as Error).message}). Start it (for MinIO: docker compose up -d minio), or give its keys as S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY`,
      { cause: error },
    );
  }
}
