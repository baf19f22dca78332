/**
 * What an S3 server's refusal means for us. Each server has its own words, statuses and gaps (HEAD has no body at all), and
 * an operator who mistyped a secret should read which variable to look at, not `403`.
 */
import { ObjectStoreError, type ObjectStoreErrorKind } from './object-store-error.ts';
import { textOf } from './s3-xml.ts';

export interface S3Refusal {
  readonly status: number;
  /** `NoSuchKey` and the like; empty where the server sent none. */
  readonly code: string;
  readonly message: string;
}

/** Reads an answer that is not a success, or a success that turns out to hold an `<Error>`. */
export function readRefusal(status: number, xml: string): S3Refusal {
  return { status, code: textOf(xml, 'Code') ?? '', message: textOf(xml, 'Message') ?? '' };
}

const kinds: Readonly<Record<string, ObjectStoreErrorKind>> = {
  XAmzContentSHA256Mismatch: 'digest_mismatch',
  XAmzContentChecksumMismatch: 'digest_mismatch',
  BadDigest: 'digest_mismatch',
  InvalidDigest: 'digest_mismatch',
  IncompleteBody: 'size_mismatch',
  InvalidRange: 'range_not_satisfiable',
  NoSuchUpload: 'no_such_upload',
  RequestTimeout: 'unavailable',
  SlowDown: 'unavailable',
  ServiceUnavailable: 'unavailable',
  InternalError: 'unavailable',
  // Full stores, each in its own words. Somebody will make room.
  QuotaExceeded: 'unavailable',
  XMinioAdminBucketQuotaExceeded: 'unavailable',
  XMinioStorageFull: 'unavailable',
  InsufficientStorage: 'unavailable',
};

const advice: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: 'check S3_ACCESS_KEY_ID',
  SignatureDoesNotMatch: 'check S3_SECRET_ACCESS_KEY, and S3_ACCESS_KEY_ID',
  AuthorizationHeaderMalformed: 'check S3_REGION',
  InvalidRegion: 'check S3_REGION',
  RequestTimeTooSkewed: 'set the clock of this machine or of the store',
  NoSuchBucket: 'check S3_BUCKET, or make the bucket',
  EntityTooLarge: 'check the quota of the bucket, and how large an object may be there',
  AccessDenied: 'check that this access key may read, write, list and delete in the bucket',
};

function adviceFor({ status, code }: S3Refusal): string {
  if (advice[code]) return advice[code];
  if (status === 401 || status === 403) return 'check S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY';
  if (status >= 300 && status < 400)
    return 'it answered with a redirect, which is not followed: check S3_ENDPOINT and S3_REGION';
  return '';
}

/** 408, 429 and every 5xx but "not implemented" may be over in a moment. */
export const isPassing = (status: number): boolean =>
  status === 408 || status === 429 || (status >= 500 && status !== 501);

/** @param what the request in words, with the place: `PUT http://127.0.0.1:9000/asu-images/builds/….json` */
export function refusalError(refusal: S3Refusal, what: string): ObjectStoreError {
  const { status, code, message } = refusal;
  const kind =
    kinds[code] ?? (status === 416 ? 'range_not_satisfiable' : isPassing(status) ? 'unavailable' : 'refused');
  const said = [code, message].filter(Boolean).join(': ') || `status ${status}`;
  const verb = kind === 'unavailable' ? 'could not do' : 'refused';
  const todo = kind === 'refused' ? adviceFor(refusal) : '';
  return new ObjectStoreError(kind, `the S3 store ${verb} ${what} (${said})${todo && `: ${todo}`}`);
}
