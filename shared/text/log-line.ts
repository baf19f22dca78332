/**
 * An entry of a log as one JSON object a line, for the edge and for nodes. What strangers wrote (a package's name, a mirror's reason)
 * may be in it, so nothing leaves here that could move a terminal's cursor or forge an entry.
 */
import { printable } from './printable.ts';

export type LogField = string | number | boolean | null | undefined | readonly string[];
/** By the same names everywhere: `request` and `intent` (hashes), `lease`, `node`, `kind`, `error`. */
export type LogFields = Readonly<Record<string, LogField>>;

export const MAX_LOGGED_CHARACTERS = 20_000;

/** `own`: what each entry has, whatever its fields are called; a field of that name gets another one. */
export function logLine(own: Readonly<Record<string, string>>, fields: LogFields): string {
  const entries = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [[Object.hasOwn(own, name) ? `${name}_` : name, safe(value)] as const],
  );
  const head = Object.entries(own).map(([name, value]) => [name, inOnePiece(value)] as const);
  return JSON.stringify(Object.fromEntries([...head, ...entries]));
}

function safe(value: Exclude<LogField, undefined>): Exclude<LogField, undefined> {
  if (typeof value === 'string') return inOnePiece(value);
  return Array.isArray(value) ? value.map((text: string) => inOnePiece(text)) : value;
}

/** Lines are kept apart by JSON itself, so that a stack can be read again; JSON.stringify escapes what is below 0x20, the rest is escaped here. */
const inOnePiece = (text: string): string =>
  text
    .slice(0, MAX_LOGGED_CHARACTERS)
    .split('\n')
    .map((line) => printable(line, MAX_LOGGED_CHARACTERS))
    .join('\n');
