/** Sizes and times as people say them. */
const KIB = 1024;

export function sizeText(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`;
  if (bytes < KIB * KIB) return `${(bytes / KIB).toFixed(bytes < 10 * KIB ? 1 : 0)} KiB`;
  return `${(bytes / KIB / KIB).toFixed(1)} MiB`;
}

/** Minutes, or null where it is less than one. */
export const minutesOf = (seconds: number): number | null => (seconds < 50 ? null : Math.round(seconds / 60) || 1);

export const byteLength = (text: string): number => new TextEncoder().encode(text).length;
