/** A stretch of time as people write it: `90s`, `30m`, `12h`, `7d`. */
const SECONDS: ReadonlyMap<string, number> = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
]);

/** Seconds; null for anything else. */
export function parseDuration(text: string): number | null {
  const [, digits, unit = ''] = /^([0-9]{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = SECONDS.get(unit);
  return digits === undefined || seconds === undefined ? null : Number(digits) * seconds;
}

/** Coarsely, as one wants to know how long ago something was. */
export function tellDuration(seconds: number): string {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
