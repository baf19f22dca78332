/**
 * What the body of an error says, fit for a terminal: a sentence, the end of a log, and whose fault it was. Whoever writes it may
 * be a node, a server or a stranger, and none of them may write more than words.
 */
import { BUILD_ERRORS, isBuildErrorKind } from '../../shared/build/build-error.ts';
import { printable } from '../../shared/text/printable.ts';

export interface Said {
  readonly sentence: string;
  /** The last lines of what the ImageBuilder printed. */
  readonly log: readonly string[];
  readonly isFailedBuild: boolean;
  /** Then it is not remembered, and who asks anew has another try. */
  readonly isServersFault: boolean;
}

const MAX_SENTENCE = 2_000;
const MAX_FIELDS = 5;
const LOG_LINES = 12;
const MAX_LINE = 500;

/** Null where it says nothing, or is no JSON. */
export function whatIsSaid(text: string): Said | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof body !== 'object' || body === null) return null;
  const { detail, error, reason, errors, stderr, stdout, imagebuilder_status, error_kind } = body as Record<
    string,
    unknown
  >;
  const sentence = [detail, error].find(isText);
  if (sentence === undefined) return null;
  const more = [reason, ...fieldErrors(errors)].filter(isText).join('; ');
  return {
    sentence: printable(more === '' ? sentence : `${sentence} (${more})`, MAX_SENTENCE),
    log: lastLines([stderr, stdout].find(isText) ?? ''),
    isFailedBuild: imagebuilder_status === 'failed',
    isServersFault:
      typeof error_kind === 'string' && isBuildErrorKind(error_kind) && BUILD_ERRORS[error_kind].retry !== 'never',
  };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

/** The sentence names the first of them already. */
const fieldErrors = (errors: unknown): string[] =>
  (Array.isArray(errors) ? errors.slice(1, 1 + MAX_FIELDS) : []).flatMap(
    (one: { readonly path?: unknown; readonly message?: unknown } | null) =>
      isText(one?.path) && isText(one.message) ? [`${one.path}: ${one.message}`] : [],
  );

const lastLines = (text: string): string[] =>
  text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .slice(-LOG_LINES)
        .map((line) => printable(line.trimEnd().replaceAll('\t', ' '), MAX_LINE));
