/**
 * Amounts of bytes as people write and read them: `40G`, `500M`. Units are powers of 1024, as `df -h` and `ulimit` count
 * them; a budget that was meant as 40 GiB and read as 40 bytes would empty a disk.
 */
const UNITS = ['', 'K', 'M', 'G', 'T'] as const;
const SIZE = /^(\d{1,15})(?:([KMGT])(?:iB)?)?$/;

export const MIB = 1024 ** 2;
export const GIB = 1024 ** 3;

/** Null for what is no amount, or more than can be counted exactly. */
export function parseByteSize(text: string): number | null {
  const match = SIZE.exec(text);
  if (!match) return null;
  const power = UNITS.indexOf((match[2] ?? '') as (typeof UNITS)[number]);
  const bytes = Number(match[1]) * 1024 ** power;
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** The shortest way to write exactly so many bytes; parseByteSize gives them back. */
export function exactByteSize(bytes: number): string {
  const power = UNITS.findLastIndex((_, index) => bytes > 0 && bytes % 1024 ** index === 0);
  return power < 1 ? String(bytes) : `${bytes / 1024 ** power}${UNITS[power]}`;
}

/** For reading: `1.4 GiB`, `212 MiB`, `17 bytes`. */
export function tellBytes(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  if (power === 0) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  const amount = bytes / 1024 ** power;
  return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[power]}iB`;
}
