/**
 * Everything that can go wrong with a request or a build, in one closed table: what the user reads, the HTTP status, the
 * Connect code, and whether it is worth trying elsewhere. The peer showed its own faults as the user's and cached them;
 * here `retry` decides that, in one place.
 */
import { isPackageName } from '../request/grammar.ts';

export type Retry =
  /** Deterministic: the same request gives the same failure. Cached with its generation. */
  | 'never'
  /** A fault of ours: another node, another time. Never cached. */
  | 'elsewhere'
  /** Not now: the client should ask again. */
  | 'later';

interface Row {
  readonly status: number;
  /** In the old API, where it has another one: clients of 2018 and 2019 know each of these. */
  readonly seedStatus?: number;
  readonly connect: 'invalid_argument' | 'failed_precondition' | 'unavailable' | 'resource_exhausted' | 'internal';
  readonly retry: Retry;
  /** Text for a user when the error carries none of its own. */
  readonly text: string;
}

export const BUILD_ERRORS = {
  invalid_request: {
    status: 422,
    seedStatus: 400,
    connect: 'invalid_argument',
    retry: 'never',
    text: 'The request is malformed',
  },
  bad_request: {
    status: 400,
    connect: 'invalid_argument',
    retry: 'never',
    text: 'The request cannot be served',
  },
  body_too_large: {
    status: 413,
    connect: 'resource_exhausted',
    retry: 'never',
    text: 'The request body is too large',
  },
  unsupported: {
    status: 400,
    seedStatus: 412,
    connect: 'failed_precondition',
    retry: 'never',
    text: 'Not supported by this server',
  },
  unknown_package: {
    status: 500,
    seedStatus: 422,
    connect: 'failed_precondition',
    retry: 'never',
    text: 'Error: Impossible package selection',
  },
  conflict: {
    status: 500,
    seedStatus: 409,
    connect: 'failed_precondition',
    retry: 'never',
    text: 'Error: Impossible package selection',
  },
  version_mismatch: {
    status: 500,
    connect: 'failed_precondition',
    retry: 'never',
    text: 'Error: Impossible package selection',
  },
  revision_changed: {
    status: 500,
    connect: 'failed_precondition',
    retry: 'never',
    text: 'Error: Received incorrect version',
  },
  image_too_big: {
    status: 500,
    seedStatus: 413,
    connect: 'failed_precondition',
    retry: 'never',
    text: 'Error: Selected packages exceed device storage',
  },
  no_sysupgrade: {
    status: 500,
    seedStatus: 501,
    connect: 'failed_precondition',
    retry: 'never',
    text: 'Error: No image was built for this profile',
  },
  build_failed: {
    status: 500,
    connect: 'failed_precondition',
    retry: 'never',
    text: 'Error: Error while building firmware. See stdout/stderr',
  },
  upstream_unavailable: {
    status: 503,
    connect: 'unavailable',
    retry: 'elsewhere',
    text: 'Error: The upstream mirror does not answer as it should. This is not a fault of your request; it is tried again when you ask again',
  },
  node_lost: {
    status: 503,
    connect: 'unavailable',
    retry: 'elsewhere',
    text: 'Error: The machines that tried this build were lost. This is not a fault of your request; please ask again',
  },
  timeout: {
    status: 503,
    connect: 'unavailable',
    retry: 'elsewhere',
    text: 'Error: The build took too long on every machine that tried. This is not a fault of your request; please ask again',
  },
  disk_full: {
    status: 503,
    connect: 'resource_exhausted',
    retry: 'elsewhere',
    text: 'Error: The machines that tried this build have no space left. This is not a fault of your request; please ask again',
  },
  upload_failed: {
    status: 503,
    connect: 'unavailable',
    retry: 'elsewhere',
    text: 'Error: The finished image could not be stored. This is not a fault of your request; please ask again',
  },
  internal: {
    status: 503,
    connect: 'internal',
    retry: 'elsewhere',
    text: 'Error: An internal fault. This is not a fault of your request; please ask again',
  },
  cancelled: {
    status: 503,
    connect: 'unavailable',
    retry: 'later',
    text: 'Error: The build was cancelled before it was done; please ask again',
  },
  queue_full: {
    status: 503,
    connect: 'resource_exhausted',
    retry: 'later',
    text: 'The queue is full, please try again later',
  },
  too_many_requests: {
    status: 429,
    // Of the old clients some wait for ever at 429, and all come again at 503.
    seedStatus: 503,
    connect: 'resource_exhausted',
    retry: 'later',
    text: 'Too many requests from your network, please try again later',
  },
} as const satisfies Record<string, Row>;

export type BuildErrorKind = keyof typeof BUILD_ERRORS;

/** True for a kind of the table; a node may be newer than we are and name one that is not. */
export const isBuildErrorKind = (kind: string): kind is BuildErrorKind => Object.hasOwn(BUILD_ERRORS, kind);

/** Said by the edge; a node that reports one of these is wrong. */
const OF_REQUESTS: readonly string[] = [
  'invalid_request',
  'body_too_large',
  'cancelled',
  'queue_full',
  'too_many_requests',
];

/** What a node's failure counts as: a kind that we do not know, or that no build has, is the node's fault and ours. */
export const kindFromNode = (kind: string): BuildErrorKind =>
  isBuildErrorKind(kind) && !OF_REQUESTS.includes(kind) ? kind : 'internal';

/** True where the same request would fail again, so that the failure may be remembered. */
export const isDeterministic = (kind: BuildErrorKind): boolean => BUILD_ERRORS[kind].retry === 'never';

/** Failures of one client's conditions say nothing about another client's request for the same image. */
const OF_CONDITIONS: readonly BuildErrorKind[] = ['revision_changed', 'version_mismatch'];

/** True where the next equal request may be answered with this failure. */
export const isRemembered = (kind: BuildErrorKind): boolean => isDeterministic(kind) && !OF_CONDITIONS.includes(kind);

/** One thing wrong with one field: `path` in dotted form (`packages.3`). */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

interface BuildErrorOptions {
  readonly errors?: readonly FieldError[];
  readonly stdout?: string;
  readonly stderr?: string;
  /** For the log of whoever runs this side; never shown. */
  readonly cause?: unknown;
}

/** `detail` is what the user reads: the table's text unless there is something more exact to say. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
  readonly kind: BuildErrorKind;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly stdout: string;
  readonly stderr: string;

  constructor(kind: BuildErrorKind, detail: string = BUILD_ERRORS[kind].text, options: BuildErrorOptions = {}) {
    super(detail, { cause: options.cause });
    this.kind = kind;
    this.detail = detail;
    this.errors = options.errors ?? [];
    this.stdout = options.stdout ?? '';
    this.stderr = options.stderr ?? '';
  }
}

/** The sentence names the first of the fields; an empty path is the body itself. */
export function invalidRequest(errors: readonly FieldError[]): BuildError {
  const [first = { path: '', message: 'unexpected' }] = errors;
  return new BuildError('invalid_request', `${first.path || 'body'}: ${first.message}`, { errors });
}

/** @throws BuildError `invalid_request` of this one field */
export function refuseField(path: string, message: string): never {
  throw invalidRequest([{ path, message }]);
}

/** The sentence for a selection that cannot be installed; at least one of the lists has a name. */
export function impossibleSelection(missing: readonly string[], conflicting: readonly string[] = []): string {
  const parts = [
    ...(missing.length > 0 ? [`missing (${missing.join(', ')})`] : []),
    ...(conflicting.length > 0 ? [`conflicts (${conflicting.join(', ')})`] : []),
  ];
  return `${BUILD_ERRORS.unknown_package.text}: ${parts.join(' ')}`;
}

/** The names of missing packages in such a sentence, sorted; none where it has none. */
export function missingPackages(detail: string): string[] {
  const names = /: missing \(([^()]*)\)/.exec(detail)?.[1] ?? '';
  return names.split(', ').filter(isPackageName).sort();
}

export const unsupportedProfile = (profile: string): string =>
  `Unsupported profile: ${profile}. The requested profile was either dropped or never existed. Please check the forums for more information.`;
