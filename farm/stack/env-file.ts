/**
 * Variables of the edge as a file that `wrangler dev` reads. It reads with dotenv, which knows three kinds of quotes and no escape in
 * them, and puts in variables after that, whatever the quotes: a secret with a `$` in it would arrive as another one, in silence.
 */

/** Between double quotes `\n` would become a line break, so these come last, and not for what has a backslash. */
const QUOTES = ["'", '`', '"'] as const;

/** @throws Error naming a value that cannot be written there so that it arrives as it is */
export const envFile = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map(([name, value]) => `${name}=${quoted(name, value)}\n`)
    .join('');

function quoted(name: string, value: string): string {
  const quote = QUOTES.find((each) => !value.includes(each) && !(each === '"' && value.includes('\\')));
  if (quote === undefined) throw new Error(`${name}: expected a value without one of the quotes ' and \``);
  // dotenv takes a carriage return for a line break, and the quote behind a backslash for a part of the value.
  if (value.includes('\r') || value.endsWith('\\'))
    throw new Error(`${name}: expected a value without carriage returns and without a backslash at its end`);
  return `${quote}${value.replaceAll('$', '\\$')}${quote}`;
}
