/**
 * What every command line here has in common: flags are parsed strictly, values are judged, and whatever is wrong is told
 * in one sentence that names the flag (exit status 2, see main.ts).
 */
import path from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { exactByteSize, parseByteSize } from '../../shared/text/byte-size.ts';
import { withoutTrailingSlashes } from '../../shared/text/trailing-slashes.ts';
import { checkStateDirectory } from '../build/workspace.ts';

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export type FlagValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** parseArgs, its errors as usage errors. */
export const parse = (args: readonly string[], options: NonNullable<ParseArgsConfig['options']>): FlagValues =>
  parseWords(args, options, false).values;

/** The same for a command that also takes words. */
export function parseWords(
  args: readonly string[],
  options: NonNullable<ParseArgsConfig['options']>,
  allowPositionals = true,
): { readonly values: FlagValues; readonly words: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, strict: true, allowPositionals });
    return { values, words: positionals };
  } catch (error) {
    throw new UsageError(`${firstSentence(error as Error & { code?: string })}; --help lists what there is`);
  }
}

/** Node.js goes on to explain how to give words that begin with "-", which nobody here wants to. */
function firstSentence({ code, message }: { readonly code?: string; readonly message: string }): string {
  const quoted = /'([^']*)'/.exec(message)?.[1] ?? '';
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `there is no flag ${quoted}`;
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return `expected flags only, got ${JSON.stringify(quoted)}`;
  return message.split(/\.?\n/)[0] ?? message;
}

/** Absolute; checked here, since make would fail below such a directory only in the middle of a build. */
export function stateDirectory(flag: string, value: string): string {
  // An unset variable of a compose file: it would be the working directory, and what looks left over there is removed.
  if (value === '') throw new UsageError(`${flag}: expected a directory, got nothing`);
  const directory = path.resolve(value);
  try {
    checkStateDirectory(directory);
  } catch (error) {
    throw new UsageError(`${flag}: ${(error as Error).message}`);
  }
  return directory;
}

export function whole(flag: string, value: string, min: number, max: number): number {
  if (!/^\d+$/.test(value) || Number(value) < min || Number(value) > max)
    throw new UsageError(`${flag}: expected a whole number from ${min} to ${max}, got ${JSON.stringify(value)}`);
  return Number(value);
}

export function byteSize(flag: string, value: string, min: number, max: number): number {
  const bytes = parseByteSize(value);
  if (bytes === null || bytes < min || bytes > max)
    throw new UsageError(
      `${flag}: expected an amount from ${exactByteSize(min)} to ${exactByteSize(max)}, such as 500M or 40G, got ${JSON.stringify(value)}`,
    );
  return bytes;
}

/** Without a slash at the end. */
export function httpUrl(flag: string, value: string): string {
  if (!/^https?:\/\/[^\s?#@]+$/.test(value) || !URL.canParse(value))
    throw new UsageError(`${flag}: expected an http or https URL, got ${JSON.stringify(value)}`);
  return withoutTrailingSlashes(value);
}
