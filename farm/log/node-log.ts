/**
 * What a node says about itself: lines for a person, or one JSON object a line for a collector of logs. What strangers wrote
 * (a package's name, a mirror's reason) may be in it, so nothing leaves here that could move a terminal's cursor, forge an
 * entry, or show a secret.
 */
import { type LogField, type LogFields, logLine, MAX_LOGGED_CHARACTERS } from '../../shared/text/log-line.ts';
import { printable } from '../../shared/text/printable.ts';

export interface NodeLog {
  /** `event`: a few words in lower case, the same each time; what differs goes into the fields. */
  log(event: string, fields?: LogFields): void;
  /**
   * For whoever has a sentence, which says all that a person wants to know; the fields are for collectors, by the names of
   * shared/text/log-line.ts. A function by itself: `log: nodeLog.line`.
   */
  readonly line: (text: string, fields?: LogFields) => void;
}

export interface NodeLogOptions {
  readonly format: 'text' | 'json';
  /** Takes a line without its end. */
  readonly write: (line: string) => void;
  readonly now: () => Date;
  /** Replaced wherever they stand; empty ones and such as are too short to be secrets are not looked for. */
  readonly secrets?: readonly (string | null)[];
}

const MAX_LENGTH = MAX_LOGGED_CHARACTERS;
const MIN_SECRET_LENGTH = 5;

export function nodeLog({ format, write, now, secrets = [] }: NodeLogOptions): NodeLog {
  // The longest first: a secret that is part of another must not leave the rest of it standing.
  const hidden = secrets
    .filter((secret): secret is string => secret !== null && secret.length >= MIN_SECRET_LENGTH)
    .sort((a, b) => b.length - a.length);
  const clean = (text: string) => hidden.reduce((rest, secret) => rest.replaceAll(secret, '(secret)'), text);
  const json = (event: string, fields: LogFields) =>
    logLine({ time: now().toISOString(), event: clean(event) }, Object.fromEntries(entriesOf(fields, clean)));
  return {
    log: (event, fields = {}) =>
      write(format === 'json' ? json(event, fields) : textLine(clean(event), entriesOf(fields, clean))),
    line: (text, fields = {}) => write(format === 'json' ? json(text, fields) : textLine(clean(text), [])),
  };
}

type Entries = readonly (readonly [string, Exclude<LogField, undefined>])[];

const entriesOf = (fields: LogFields, clean: (text: string) => string): Entries =>
  Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, cleaned(value, clean)] as const],
  );

function cleaned(value: Exclude<LogField, undefined>, clean: (text: string) => string): Exclude<LogField, undefined> {
  if (typeof value === 'string') return clean(value);
  return Array.isArray(value) ? value.map((text: string) => clean(text)) : value;
}

/** The time is left to whoever collects the lines (journald, docker); a person at a terminal has a clock. */
function textLine(event: string, entries: Entries): string {
  // Continued lines are indented: no text of a stranger can look like an entry of its own.
  const [head, ...rest] = event.slice(0, MAX_LENGTH).split('\n');
  const words = entries.map(([name, value]) => `${name}=${word(value)}`);
  const first = [printable(head ?? '', MAX_LENGTH), ...words].join(' ');
  return [first, ...rest.map((line) => `    ${printable(line, MAX_LENGTH)}`)].join('\n');
}

function word(value: Entries[number][1]): string {
  const text = Array.isArray(value) ? value.join(',') : String(value);
  const shown = printable(text, MAX_LENGTH);
  return /^[^\s"=]+$/.test(shown) ? shown : JSON.stringify(shown);
}
