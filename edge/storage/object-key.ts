/**
 * Which keys may reach a store. With path-style S3 a key is part of a URL's path, where `..` climbs into another lease or
 * another bucket; this grammar has no such key, nor any whose encoding two stores could read differently.
 */
import { ObjectStoreError } from './object-store-error.ts';

const segment = /^[A-Za-z0-9._+~-]+$/;
const isSegment = (text: string): boolean => segment.test(text) && text !== '.' && text !== '..';

/** S3's and R2's limit; our keys are ASCII, so characters are bytes. */
const maxLengthBytes = 1024;

/** True for `objects/<lease>/<file>`, `builds/<hash>.json` and the like: segments of `A-Z a-z 0-9 . _ + ~ -` between slashes. */
const isObjectKey = (key: string): boolean => key.length <= maxLengthBytes && key.split('/').every(isSegment);

/** @throws ObjectStoreError `refused`, naming the key */
export function assertObjectKey(key: string): void {
  if (isObjectKey(key)) return;
  const got = JSON.stringify(key.length > 100 ? `${key.slice(0, 100)}…` : key);
  throw new ObjectStoreError(
    'refused',
    `expected a key of at most ${maxLengthBytes} characters in segments of A-Z a-z 0-9 . _ + ~ - between single slashes, got ${got}`,
  );
}
