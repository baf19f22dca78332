/**
 * The admin API of an edge, as commands use it. The key goes to the edge that was named and nowhere else: no redirect is
 * followed, and it is on no command line, where everybody on the machine could read it.
 */
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { printable } from '../../shared/text/printable.ts';
import type { CommandContext } from './command.ts';
import { type FlagValues, httpUrl, UsageError } from './flags.ts';

/** The edge says no, or there is nothing that it could be said of. Exit status 3. */
export class AdminRefused extends Error {
  override readonly name = 'AdminRefused';
}

/** The edge cannot be asked, or what answers is none. Exit status 1. */
export class EdgeUnreachable extends Error {
  override readonly name = 'EdgeUnreachable';
}

export const ADMIN_FLAGS = { edge: { type: 'string' }, 'admin-key-file': { type: 'string' } } as const;

export const ADMIN_HELP = `  --edge URL              the edge whose farm it is (or ASU_EDGE)
  --admin-key-file FILE   where its ADMIN_KEY lies (or the key itself in ASU_ADMIN_KEY); npm start: .asu/admin-key`;

export const ADMIN_STATUSES =
  'Exit status: 0 done; 1 the edge cannot be asked; 2 wrong words; 3 the edge refuses, or there is no such node or build.';

const PATIENCE_MS = 30_000;

export class AdminClient {
  readonly edgeUrl: string;
  readonly #key: string;
  readonly #signal: AbortSignal;

  constructor(edgeUrl: string, key: string, signal: AbortSignal) {
    this.edgeUrl = edgeUrl;
    this.#key = key;
    this.#signal = signal;
  }

  /** @throws UsageError where it was not said which edge, or with which key */
  static async open(values: FlagValues, { environment, signal, terminal }: CommandContext): Promise<AdminClient> {
    const edgeUrl = httpUrl('--edge', (values.edge as string | undefined) ?? environment.ASU_EDGE ?? '');
    const key = await keyOf(values['admin-key-file'] as string | undefined, environment.ASU_ADMIN_KEY);
    if (isInClear(edgeUrl))
      terminal.err.write(`${edgeUrl} is not https: everybody on the way there can read the key\n`);
    return new AdminClient(edgeUrl, key, signal);
  }

  /** What a command tells of the answer must be in it; an edge may be older or newer, so the rest is not looked at. */
  get = <T>(path: string, answer: z.ZodType<T>): Promise<T> => this.#understood(answer, this.#ask('GET', path));
  post = <T>(path: string, body: object, answer: z.ZodType<T>): Promise<T> =>
    this.#understood(answer, this.#ask('POST', path, JSON.stringify(body)));

  async #understood<T>(schema: z.ZodType<T>, asked: Promise<unknown>): Promise<T> {
    const { data } = schema.safeParse(await asked);
    if (data === undefined) throw new EdgeUnreachable(`${this.edgeUrl} answers with something else: is it an edge?`);
    return data;
  }

  /** @throws AdminRefused, EdgeUnreachable */
  async #ask(method: string, path: string, body?: string): Promise<unknown> {
    const response = await this.#fetch(method, path, body);
    const answer = (await response.json().catch((error) => {
      // No JSON; what breaks off or takes too long is another matter.
      if (error instanceof SyntaxError) return null;
      throw this.#unreachable(error);
    })) as { readonly detail?: unknown } | null;
    if (response.ok && answer !== null) return answer;
    if (typeof answer?.detail !== 'string')
      throw new EdgeUnreachable(`${this.edgeUrl} answers with status ${response.status} and no JSON: is it an edge?`);
    const said = printable(answer.detail, 500);
    if (response.status === 401) throw new AdminRefused(`${this.edgeUrl} has another key`);
    if (response.status === 404 && said === 'no such page')
      throw new AdminRefused(`${this.edgeUrl} has no admin API: it runs without ADMIN_KEY, or is too old`);
    if (response.status >= 500) throw new EdgeUnreachable(`${this.edgeUrl} cannot answer now: ${said}`);
    throw new AdminRefused(said);
  }

  async #fetch(method: string, path: string, body?: string): Promise<Response> {
    try {
      return await fetch(`${this.edgeUrl}/api/v1/admin/${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#key}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        redirect: 'manual',
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(PATIENCE_MS)]),
        ...(body !== undefined && { body }),
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  /** What to throw for it: Ctrl-C stays what it is. */
  #unreachable(error: unknown): unknown {
    if (this.#signal.aborted) return error;
    const { cause, name } = error as Error & { readonly cause?: { readonly code?: unknown } };
    const why =
      name === 'TimeoutError' ? `no answer within ${PATIENCE_MS / 1000} s` : String(cause?.code ?? cause ?? name);
    return new EdgeUnreachable(`${this.edgeUrl} cannot be reached (${printable(why, 200)})`);
  }
}

/** Runs what may be refused; the sentence is told, and the exit status. */
export async function askingAdmins({ terminal }: CommandContext, work: () => Promise<void>): Promise<number> {
  try {
    await work();
    return 0;
  } catch (error) {
    if (!(error instanceof AdminRefused || error instanceof EdgeUnreachable)) throw error;
    terminal.err.write(`${error.message}\n`);
    return error instanceof AdminRefused ? 3 : 1;
  }
}

/** What is wrong with a key is told without the key. */
async function keyOf(file: string | undefined, variable: string | undefined): Promise<string> {
  const [from, text] = file === undefined ? ['ASU_ADMIN_KEY', variable] : ['--admin-key-file', await contentOf(file)];
  if (text === undefined || text === '')
    throw new UsageError(
      'expected the ADMIN_KEY of the edge in ASU_ADMIN_KEY, or the file that holds it by --admin-key-file',
    );
  if (!/^[0-9a-f]{64}$/.test(text.trim())) throw new UsageError(`${from}: expected 64 hex digits`);
  return text.trim();
}

async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--admin-key-file: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

const isInClear = (edgeUrl: string): boolean => {
  const { protocol, hostname } = new URL(edgeUrl);
  return protocol === 'http:' && !['localhost', '[::1]'].includes(hostname) && !/^127\.[\d.]+$/.test(hostname);
};
