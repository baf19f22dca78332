/**
 * Answers of the old API. Its clients read `error`, parse every body before they look at the status, and stop on anything but
 * an object; so every error here is one, whatever went wrong.
 */
import { BUILD_ERRORS, BuildError, type BuildErrorKind } from '../../shared/build/build-error.ts';
import { errorAnswer, jsonAnswer } from '../http/answer.ts';
import { RETRY_AFTER_SECONDS } from '../lifetimes.ts';
import { logError } from '../log.ts';

/** `detail` and `status` stand in it as in the v1 API. */
export const seedProblem = (
  status: number,
  error: string,
  more: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Response => jsonAnswer(status, { error, detail: error, status, ...more }, headers);

/** Of an error that is told without a build; `otherwise`: where these clients know no status of its own. */
export const seedStatusOf = (kind: BuildErrorKind, otherwise: number = BUILD_ERRORS[kind].status): number => {
  const row: { readonly status: number; readonly seedStatus?: number } = BUILD_ERRORS[kind];
  return row.seedStatus ?? otherwise;
};

export const seedMethodNotAllowed = (allow: string): Response =>
  seedProblem(405, `Method not allowed here, expected ${allow}`, {}, { allow });

/** Whatever was thrown on the way, as these clients can read it. */
export async function seedErrorAnswer(
  thrown: unknown,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Response> {
  if (thrown instanceof BuildError) {
    if (thrown.cause !== undefined) logError('an answer failed', { kind: thrown.kind, error: thrown.cause });
    const wait =
      thrown.kind === 'too_many_requests'
        ? RETRY_AFTER_SECONDS.limited
        : RETRY_AFTER_OF[BUILD_ERRORS[thrown.kind].retry];
    const headers: Record<string, string> = wait === undefined ? {} : { 'retry-after': String(wait) };
    return seedProblem(seedStatusOf(thrown.kind), thrown.detail, { error_kind: thrown.kind, ...more }, headers);
  }
  // 500 is a build that failed: these clients show it and end. At 503 they come again.
  const { detail } = (await errorAnswer(thrown).json()) as { detail: string };
  return seedProblem(503, detail, more, { 'retry-after': String(RETRY_AFTER_SECONDS.overloaded) });
}

const RETRY_AFTER_OF = {
  never: undefined,
  elsewhere: RETRY_AFTER_SECONDS.upstream,
  later: RETRY_AFTER_SECONDS.overloaded,
};
