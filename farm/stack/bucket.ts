/** Makes sure that the S3 bucket is there, with the MinIO client: the edge itself never makes buckets. */
import { askS3, type S3Place } from '../s3-client.ts';

export interface BucketOptions extends S3Place {
  readonly bucket: string;
}

/** The store answers, and says no: it will not say yes by itself. */
export class BucketRefused extends Error {
  override readonly name = 'BucketRefused';
}

const PATIENCE_MS = 20_000;

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

/** @throws BucketRefused, or an Error where it does not answer, in time or before `stop`; both with what to do */
export async function ensureBucket(
  { bucket, ...place }: BucketOptions,
  stop: AbortSignal = new AbortController().signal,
): Promise<void> {
  try {
    await askS3(place, AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)]), async (client) => {
      if (!(await client.bucketExists(bucket))) await client.makeBucket(bucket, place.region);
    });
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    if (code === 'BucketAlreadyOwnedByYou') return;
    const Refusal = REFUSALS.includes(code) ? BucketRefused : Error;
    throw new Refusal(
      `the S3 store at ${place.endpoint} cannot be used (${code || (error as Error).message}). Start it (for MinIO: docker compose up -d minio), or give its keys as S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY`,
      { cause: error },
    );
  }
}
