/** Byte ranges, worked out once for both adapters: R2 reports the range that was asked for, not the one that it sent. */
import type { ByteRange } from './object-store.ts';
import { ObjectStoreError } from './object-store-error.ts';

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** @throws ObjectStoreError `range_not_satisfiable` for a range that no object has */
export function assertByteRange(range: ByteRange): void {
  const possible =
    'suffix' in range
      ? isCount(range.suffix) && range.suffix > 0
      : isCount(range.offset) && (range.length === undefined || (isCount(range.length) && range.length > 0));
  if (!possible) throw notSatisfiable(range);
}

/**
 * Which bytes of an object of `size` bytes a range means (RFC 9110, 14.1.2: too long is cut, a long suffix is all).
 * @throws ObjectStoreError `range_not_satisfiable` when it holds none
 */
export function resolveByteRange(range: ByteRange, size: number): { offset: number; length: number } {
  assertByteRange(range);
  const offset = 'suffix' in range ? Math.max(0, size - range.suffix) : range.offset;
  const length = Math.min('suffix' in range ? range.suffix : (range.length ?? size), size - offset);
  if (length <= 0) throw notSatisfiable(range);
  return { offset, length };
}

export function notSatisfiable(range: ByteRange, cause?: unknown): ObjectStoreError {
  return new ObjectStoreError(
    'range_not_satisfiable',
    `expected a range with bytes of the object in it, got ${JSON.stringify(range)}`,
    { cause },
  );
}
