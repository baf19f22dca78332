/**
 * Asks this server for JSON. Whatever comes instead is told in words for a reader: a network that is away, a login page of a hotel, an
 * error of the server with its own sentence.
 */
import type { Problem } from '../../../shared/api/problem.ts';
import { MESSAGES } from '../messages.ts';

/** Long enough for a bad mobile network, short enough to be told that it is one. */
const PATIENCE_MS = 30_000;

export class AskError extends Error {
  /** 0: nothing answered. */
  readonly status: number;
  readonly problem: Problem | null;
  /** Of the answer, where there was one. */
  readonly headers: Headers;

  constructor(status: number, message: string, problem: Problem | null = null, headers = new Headers()) {
    super(message);
    this.status = status;
    this.problem = problem;
    this.headers = headers;
  }
}

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

/**
 * The body of a 204 is undefined.
 * @param accepted statuses besides 2xx whose body is an answer and no error
 * @throws AskError; the signal's reason
 */
export async function ask<T>(
  path: string,
  options: { readonly body?: unknown; readonly signal?: AbortSignal; readonly accepted?: readonly number[] } = {},
): Promise<Answer<T>> {
  const { body, signal, accepted = [] } = options;
  const limit = AbortSignal.timeout(PATIENCE_MS);
  const response = await fetch(path, {
    ...(body !== undefined && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  }).catch(() => {
    signal?.throwIfAborted();
    throw new AskError(0, MESSAGES.server.unreachable);
  });
  if (response.status === 204) return { status: 204, body: undefined as T };
  const json = await readJson(response, signal);
  if (response.ok || accepted.includes(response.status)) {
    if (json === undefined) throw new AskError(response.status, MESSAGES.server.strange);
    return { status: response.status, body: json as T };
  }
  const problem = isProblem(json) ? json : null;
  const message = problem?.detail ?? MESSAGES.server.refused(response.status);
  throw new AskError(response.status, message, problem, response.headers);
}

/** Undefined where it is none. */
async function readJson(response: Response, signal?: AbortSignal): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

export const isProblem = (json: unknown): json is Problem =>
  typeof json === 'object' && json !== null && 'detail' in json && typeof json.detail === 'string';
