/**
 * What the edge says about itself: one JSON object a line, for whoever collects the Worker's logs. No more than that goes in: never a
 * header, a body or an address of a client, and no hash of a private image, which is what its link is made of.
 */
import { type LogField, logLine } from '../shared/text/log-line.ts';

interface Fields {
  /** Sha256, as the build is called. */
  readonly request?: string;
  readonly lease?: string;
  readonly node?: string;
  /** Of a `BuildError`. */
  readonly kind?: string;
  readonly error?: unknown;
  readonly [name: string]: unknown;
}

/** Something failed that should not have. `event`: a few words, the same each time; what differs goes into the fields. */
export function logError(event: string, fields: Fields = {}): void {
  console.error(line('error', event, fields));
}

/** Somebody should have a look at it, by and by. */
export function logWarning(event: string, fields: Fields = {}): void {
  console.warn(line('warning', event, fields));
}

/** With its stack, for what nobody foresaw. */
export const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

const line = (level: string, event: string, fields: Fields): string =>
  logLine(
    { time: new Date().toISOString(), level, event },
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, fieldOf(name, value)])),
  );

/** Of objects in the store that are called by a build's hash. */
const NAMED_BY_HASH = /\b(builds|intents|requests|statements|log\/of)\/[0-9a-f]{64}/g;

function fieldOf(name: string, value: unknown): LogField {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return value;
  // What failed at an object names it, be the image private or not; of a public one there is `request`.
  return name === 'error' ? String(value).replace(NAMED_BY_HASH, '$1/…') : String(value);
}
