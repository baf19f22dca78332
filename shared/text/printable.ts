/**
 * Text of strangers (a mirror's page, an edge's reason, a file's name) made fit for a terminal and a log: whoever may write
 * escape sequences into a terminal writes what its reader sees, and a line break in a log forges the next entry.
 */

/** C0, DEL, C1, line and paragraph separators, and the marks that turn the direction of writing. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Each control character as `\xNN` or `\u{NNNN}`, cut to `maxLength` characters. */
export function printable(text: string, maxLength = 1000): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return cut.replace(CONTROL, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** The beginning of a text of strangers, in quotes: enough to know it by in a message, never a whole file. */
export const quoted = (text: string, maxLength = 40): string =>
  printable(JSON.stringify(text.length > maxLength ? `${text.slice(0, maxLength)}…` : text), 8 * maxLength);

/** As data, for a pipe or a terminal: JSON itself leaves C1 and what turns the direction as they are, and any reader of it knows escapes. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value, null, 2).replace(CONTROL, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
