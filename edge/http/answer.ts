/**
 * Answers to clients in JSON, and the one place where an error becomes an answer. CORS always, for errors too: an HTML page or a
 * missing header makes LuCI and firmware-selector hang without a word.
 */
import { BUILD_ERRORS, BuildError } from '../../shared/build/build-error.ts';
import { isOfDurableObject } from '../durable-object-error.ts';
import { CACHE_CONTROL, RETRY_AFTER_SECONDS } from '../lifetimes.ts';
import { logError, stackOf } from '../log.ts';
import { ObjectStoreError } from '../storage/object-store-error.ts';

export const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers':
    'x-imagebuilder-status, x-queue-position, x-build-queue-position, x-unknown-package, retry-after, content-length, content-range, etag',
} as const;

export const JSON_HEADERS = {
  ...CORS,
  'content-type': 'application/json; charset=utf-8',
  'x-content-type-options': 'nosniff',
} as const;

export function jsonAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return jsonText(status, JSON.stringify(body), headers);
}

/** For bodies that are text already. */
export const jsonText = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(body, { status, headers: { ...JSON_HEADERS, 'cache-control': CACHE_CONTROL.never, ...headers } });

/** `detail` is always a string: an array there freezes the clients. */
export const problem = (
  status: number,
  title: string,
  detail: string,
  more: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Response => jsonAnswer(status, { status, title, detail, ...more }, headers);

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  411: 'Length Required',
  413: 'Content Too Large',
  416: 'Range Not Satisfiable',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

export const titleOf = (status: number): string => TITLES[status] ?? 'Error';

/** Made once: what is said in a flood must cost no more than a hit. */
const BRIEF = new Map(
  (['too_many_requests', 'queue_full'] as const).map((kind) => {
    const { status, text } = BUILD_ERRORS[kind];
    const seconds = kind === 'queue_full' ? RETRY_AFTER_SECONDS.overloaded : RETRY_AFTER_SECONDS.limited;
    const body = JSON.stringify({ status, title: titleOf(status), detail: text, error_kind: kind });
    const headers = { ...JSON_HEADERS, 'cache-control': CACHE_CONTROL.never, 'retry-after': String(seconds) };
    return [kind as string, { body, init: { status, headers: new Headers(headers) } }];
  }),
);

const STORE_AWAY =
  'Error: The store of the images does not answer as it should. This is not a fault of your request; please ask again in a minute';

const FOREMAN_AWAY =
  'Error: A part of this server does not answer as it should. This is not a fault of your request; please ask again in a minute';

/** Any error as the client sees it. What is not a BuildError is ours, is logged, and tells nothing of our insides. */
export function errorAnswer(thrown: unknown): Response {
  const error = withName(thrown);
  if (error instanceof BuildError) {
    const brief = BRIEF.get(error.kind);
    if (brief) return new Response(brief.body, brief.init);
    const { status, retry } = BUILD_ERRORS[error.kind];
    // What is wrong with upstream is no secret, and only who knows it can mend it: a missing key, a half-published release.
    const reason = error.kind === 'upstream_unavailable' && typeof error.cause === 'string' ? error.cause : undefined;
    if (error.cause !== undefined) logError('an answer failed', { kind: error.kind, error: error.cause });
    // A build that would fail, told before it is made, looks as it would look afterwards.
    const isBuild = status === 500;
    return problem(
      status,
      titleOf(status),
      error.detail,
      {
        error_kind: error.kind,
        ...(isBuild && { imagebuilder_status: 'failed' }),
        ...(reason && { reason }),
        ...(error.errors.length > 0 && { errors: error.errors }),
      },
      {
        ...(isBuild && { 'x-imagebuilder-status': 'failed' }),
        ...(retry !== 'never' && { 'retry-after': String(RETRY_AFTER_SECONDS.upstream) }),
      },
    );
  }
  logError('an answer failed', { kind: 'internal', error: stackOf(error) });
  return problem(
    500,
    titleOf(500),
    'The server made a mistake. This is not a fault of your request; please try again',
    { error_kind: 'internal' },
    { 'retry-after': String(RETRY_AFTER_SECONDS.overloaded) },
  );
}

/**
 * That the store or the Foreman is away passes without anybody's doing: 503, since at a 500 clients show a build that failed, and end.
 * What remains is a mistake in this very code, which the next try meets as well.
 */
function withName(thrown: unknown): unknown {
  if (thrown instanceof ObjectStoreError) return new BuildError('internal', STORE_AWAY, { cause: thrown.message });
  return isOfDurableObject(thrown) ? new BuildError('internal', FOREMAN_AWAY, { cause: stackOf(thrown) }) : thrown;
}

export const notFound = (detail: string): Response => problem(404, titleOf(404), detail);

export const methodNotAllowed = (allowed: string): Response =>
  problem(405, titleOf(405), `Method not allowed here, expected ${allowed}`, {}, { allow: allowed });
