/**
 * Reading an answer's fields as a script does: what is missing or of another type ends it. One error for all of them, which
 * names the field, so that a failed replay says what the server left out.
 */
import { ClientFailure } from './client-failure.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

const wrong = (what: string, expected: string, got: unknown): never => {
  throw new ClientFailure('crashed', `${what}: expected ${expected}, got ${JSON.stringify(got)?.slice(0, 80)}`);
};

export function parsed(source: string, what: string): unknown {
  try {
    return JSON.parse(source);
  } catch (cause) {
    throw new ClientFailure('crashed', `${what}: expected JSON, got ${source.slice(0, 80)}`, { cause });
  }
}

export const object = (value: unknown, what: string): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : wrong(what, 'an object', value);

export const list = (value: unknown, what: string): readonly unknown[] =>
  Array.isArray(value) ? value : wrong(what, 'an array', value);

export const text = (value: unknown, what: string): string =>
  typeof value === 'string' ? value : wrong(what, 'a string', value);

export const number = (value: unknown, what: string): number =>
  typeof value === 'number' ? value : wrong(what, 'a number', value);

export const texts = (value: unknown, what: string): readonly string[] =>
  list(value, what).map((item, at) => text(item, `${what}.${at}`));

/** Package to version, target to architecture: an object whose values are all strings. */
export function textByName(value: unknown, what: string): Readonly<Record<string, string>> {
  const entries = Object.entries(object(value, what));
  return Object.fromEntries(entries.map(([name, item]) => [name, text(item, `${what}.${name}`)]));
}
