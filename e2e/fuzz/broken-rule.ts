/**
 * What holds for every answer, whatever was asked (rules 3, 4 and 5 of the v1 contract, and common sense). A client in the
 * field cannot be mended: one HTML page, one array in `detail`, and it hangs.
 */
import { BUILD_ERRORS, type BuildErrorKind, isBuildErrorKind } from '../../shared/build/build-error.ts';
import type { NoAnswer, RawAnswer } from './keep-alive-connection.ts';
import { SECRET } from './near-misses.ts';
import { isContradictory, type RawRequest } from './raw-request.ts';

export type Verdict =
  | { readonly kind: 'kept' }
  | { readonly kind: 'broken'; readonly rule: string }
  /** Said by the runtime, before there was a request that our code could have seen. */
  | { readonly kind: 'refused by the runtime' }
  /** The client had gone, or had said things about its body that contradict each other. */
  | { readonly kind: 'no answer' };

const MAX_ERROR_BYTES = 64 * 1024;
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Whatever else is in an answer comes from the request. */
const KNOWN_HEADERS = new Set([
  ...['accept-ranges', 'access-control-allow-headers', 'access-control-allow-methods', 'access-control-allow-origin'],
  ...['access-control-expose-headers', 'access-control-max-age', 'allow', 'cache-control', 'connection'],
  ...['content-disposition', 'content-encoding', 'content-length', 'content-range', 'content-security-policy'],
  ...['content-type', 'date', 'etag', 'last-modified', 'referrer-policy', 'retry-after', 'transfer-encoding', 'vary'],
  ...['asu-edge-time', 'www-authenticate'],
  ...[
    'x-accel-buffering',
    'x-content-type-options',
    'x-build-queue-position',
    'x-imagebuilder-status',
    'x-queue-position',
    'x-unknown-package',
  ],
]);

/** Where an error comes from is no client's business, and a path or a line number helps nobody but who looks for holes. */
export const INSIDES =
  /\n\s+at |\bedge\.js\b|\bworkerd\b|node_modules|\.ts:\d|\b(?:Type|Range|Reference|Syntax)Error\b|Cannot read prop|is not a function|SQLITE|durable.?object|asu-images|SERVER_KEY|S3_/i;

export function verdictOn(request: RawRequest, answer: RawAnswer | NoAnswer): Verdict {
  if (answer.status === null)
    return isContradictory(request) || isCutBehindUnreadBody(request, answer)
      ? { kind: 'no answer' }
      : broken(`an answer, got ${JSON.stringify(answer.received.toString('latin1', 0, 200))} and the end`);
  if (isOfRuntime(request, answer)) return { kind: 'refused by the runtime' };
  const rule = brokenRule(request, answer);
  return rule === null ? { kind: 'kept' } : broken(rule);
}

/**
 * Nobody reads the body of a GET. The runtime answers and closes the line while it is still being sent, and what TCP then throws away
 * may be the end of a long answer.
 */
const isCutBehindUnreadBody = ({ method, body }: RawRequest, { received }: NoAnswer): boolean =>
  (method === 'GET' || method === 'HEAD') &&
  body.kind !== 'none' &&
  /^HTTP\/1\.1 [234]\d\d /.test(received.toString('latin1', 0, 16));

const broken = (rule: string): Verdict => ({ kind: 'broken', rule: `expected ${rule}` });

/** Plain text without CORS and the end of the connection; `CONNECT` has no handler in a Worker. */
function isOfRuntime({ method }: RawRequest, { status, headers, body }: RawAnswer): boolean {
  if (headers.has('access-control-allow-origin') || headers.get('connection') !== 'close') return false;
  const text = body.toString('latin1', 0, 200);
  if (method === 'CONNECT' && status === 500) return text === 'Internal Server Error';
  const isText = headers.get('content-type') === 'text/plain';
  return isText && OF_RUNTIME.includes(status) && (method === 'HEAD' ? text === '' : REFUSAL.test(text));
}

const OF_RUNTIME = [400, 413, 414, 431, 501];
const REFUSAL = /^(?:ERROR: [\w .]+|invalid [\w -]+|[\w -]+ too (?:long|large|many))$/;

function brokenRule(request: RawRequest, { status, headers, body, surplus }: RawAnswer): string | null {
  const type = headers.get('content-type') ?? '';
  const text = body.toString('utf8');
  if (headers.get('access-control-allow-origin') !== '*') return 'Access-Control-Allow-Origin: *';
  if (surplus.length > 0 && request.body.kind !== 'surplus')
    return `nothing after the answer, got ${JSON.stringify(surplus.toString('latin1', 0, 200))}`;
  if ((status >= 300 && status < 400 && status !== 304) || headers.has('location')) return `no redirect, got ${status}`;
  const unknown = [...headers.keys()].find((name) => !KNOWN_HEADERS.has(name));
  if (unknown !== undefined) return `none but known headers, got ${unknown}`;
  if (body.length > MAX_BODY_BYTES) return `at most ${MAX_BODY_BYTES} bytes, got ${body.length}`;
  if (text.includes(SECRET) || [...headers.values()].some((value) => value.includes(SECRET)))
    return 'no word of `defaults` in an answer';
  if (status < 400) {
    // A part of JSON is none.
    if (status !== 206 && type.startsWith('application/json') && body.length > 0 && parsed(text) === undefined)
      return `JSON, got ${text.slice(0, 200)}`;
    return null;
  }
  if (body.length > MAX_ERROR_BYTES) return `an error of at most ${MAX_ERROR_BYTES} bytes, got ${body.length}`;
  if (!type.startsWith('application/json')) return `an error in JSON, got ${type}: ${text.slice(0, 200)}`;
  if (request.method === 'HEAD') return status >= 500 && status !== 503 ? 'no 5xx on HEAD' : null;
  const inside = INSIDES.exec(text);
  if (inside) return `nothing of our insides, got ${inside[0]} in ${text.slice(0, 500)}`;
  return brokenError(request, status, parsed(text));
}

/** Of an error's body. */
function brokenError({ target }: RawRequest, status: number, error: unknown): string | null {
  if (typeof error !== 'object' || error === null || Array.isArray(error))
    return `an error that is an object, got ${JSON.stringify(error)}`;
  const { detail, status: told, error_kind: kind, code, message } = error as Readonly<Record<string, unknown>>;
  // Nodes speak Connect, whose errors have a code and a message.
  if (isOfNodes(target) && typeof code === 'string' && typeof message === 'string')
    return status >= 500 ? `no fault of ours, got ${status}: ${message}` : null;
  if (typeof detail !== 'string' || detail === '') return `a sentence in detail, got ${JSON.stringify(detail)}`;
  if (told !== status) return `status ${status} in the body too, got ${JSON.stringify(told)}`;
  if (status < 500) return null;
  // The 5xx that the contract names: a failure that is known early or remembered, upstream, the queue, too many listeners.
  const isNamed =
    typeof kind === 'string' && isBuildErrorKind(kind) && kind !== 'internal'
      ? statusesOf(kind).includes(status)
      : status === 503 && detail.startsWith('Too many clients listen');
  return isNamed ? null : `no ${status} but those of the contract, got ${JSON.stringify(error).slice(0, 500)}`;
}

/** In the API of today, and in the old one. */
function statusesOf(kind: BuildErrorKind): readonly (number | undefined)[] {
  const row: { readonly status: number; readonly seedStatus?: number } = BUILD_ERRORS[kind];
  return [row.status, row.seedStatus];
}

function isOfNodes(target: string): boolean {
  const [path = ''] = target.split(/[?#]/);
  try {
    return decodeURIComponent(path.replaceAll(/\/{2,}/g, '/')).includes('/asu.farm.v1.ForemanService/');
  } catch {
    return false;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
