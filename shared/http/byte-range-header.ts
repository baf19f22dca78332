/**
 * The `Range` header of a download that is resumed (RFC 9110 section 14). One range only: a server may answer several with
 * the whole, and no router asks for several.
 */
export type RequestedRange =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly offset: number; readonly length: number }
  | { readonly kind: 'unsatisfiable' };

export function requestedRange(header: string | undefined, sizeBytes: number): RequestedRange {
  const match = header === undefined ? null : /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header.trim());
  if (!match || (match[1] === '' && match[2] === '')) return { kind: 'whole' };
  const [, first = '', last = ''] = match;
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? { kind: 'unsatisfiable' } : { kind: 'part', offset: sizeBytes - length, length };
  }
  const offset = Number(first);
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  // A last byte before the first makes the header invalid, and an invalid one is ignored.
  if (last !== '' && Number(last) < offset) return { kind: 'whole' };
  if (offset >= sizeBytes) return { kind: 'unsatisfiable' };
  return { kind: 'part', offset, length: end - offset + 1 };
}
