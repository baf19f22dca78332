/**
 * What a call was answered, in whichever protocol of Connect's family it was asked, and whether a refusal is a true one: a code of the
 * protocol, with the HTTP status that the protocol has for it, a sentence, and in it nothing of our insides.
 */
import { globSync, readFileSync } from 'node:fs';
import { INSIDES } from './broken-rule.ts';
import { envelopesIn } from './envelopes.ts';

export interface CallAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
  /** Of HTTP/2: where gRPC says how the call ended. */
  readonly trailers?: ReadonlyMap<string, string>;
}

export type Outcome =
  | { readonly kind: 'answered' }
  /** A wrong media type, path or method: of these the protocol says nothing but the status. */
  | { readonly kind: 'refused by its headers' }
  /** gRPC by HTTP/1.1, of which `fetch` shows no trailers. */
  | { readonly kind: 'told in trailers' }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

/** The codes in the order of their numbers, from 1, each with its HTTP status: https://connectrpc.com/docs/protocol/#error-codes */
const STATUSES: readonly (readonly [code: string, status: number])[] = [
  ['canceled', 499],
  ['unknown', 500],
  ['invalid_argument', 400],
  ['deadline_exceeded', 504],
  ['not_found', 404],
  ['already_exists', 409],
  ['permission_denied', 403],
  ['resource_exhausted', 429],
  ['failed_precondition', 400],
  ['aborted', 409],
  ['out_of_range', 400],
  ['unimplemented', 501],
  ['internal', 500],
  ['unavailable', 503],
  ['data_loss', 500],
  ['unauthenticated', 401],
];
const OF_HEADERS: readonly number[] = [400, 404, 405, 415];
/** Whoever sent what was refused shall not look for the fault on our side. */
const OURS: readonly string[] = ['unknown', 'internal', 'unavailable'];
/** Connect says `internal` here, as gRPC's words about compression have it (doc/compression.md in grpc/grpc). */
const COMPRESSED = 'received compressed envelope, but do not know how to decompress';
const MAX_MESSAGE_LENGTH = 1_000;
const END = { connect: 0x02, grpcWeb: 0x80 } as const;

/** Words that are in no sentence by chance. */
const TABLES = globSync('edge/*/migrations/*.sql')
  .flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/CREATE TABLE [`"]?(\w+)/gi)].map(([, name]) => name ?? ''),
  )
  .filter((name) => name.includes('_'));
const OF_OURS = new RegExp(
  [
    INSIDES.source,
    `\\b(?:${TABLES.join('|')})\\b`,
    /\b(?:SELECT|INSERT|UPDATE|DELETE)\b.*\b(?:FROM|INTO|SET)\b|\bconstraint\b|\bno such (?:table|column)\b/.source,
    /(?:^|[\s"'(=])(?:file:\/\/)?\/(?:home|root|usr|var|tmp|opt|srv|etc|proc|mnt|work|data|build)\//.source,
  ].join('|'),
  'i',
);

/** @throws Error where it is none of these */
export function outcomeOf({ status, contentType, body, trailers }: CallAnswer): Outcome {
  const text = Buffer.from(body).toString('utf8');
  const [type = ''] = contentType.split(';');
  if (status !== 200) return ofError(status, type, text);
  if (/^application\/(?:proto|json)$/.test(type)) return { kind: 'answered' };
  if (trailers) return ofTrailers(trailers);
  if (/^application\/grpc(?:\+|$)/.test(type) && body.length === 0) return { kind: 'told in trailers' };
  const last = envelopesIn(body).at(-1);
  if (/^application\/connect\+(?:proto|json)$/.test(type) && last?.flags === END.connect) {
    const { error } = JSON.parse(Buffer.from(last.data).toString('utf8')) as {
      error?: { code: string; message?: string };
    };
    return error ? refused(error.code, error.message ?? '') : { kind: 'answered' };
  }
  if (/^application\/grpc-web/.test(type) && last?.flags === END.grpcWeb) {
    const lines = Buffer.from(last.data).toString('utf8').trim().split('\r\n');
    return ofTrailers(new Map(lines.map((line) => /^([\w-]+): ?(.*)$/.exec(line)?.slice(1, 3) as [string, string])));
  }
  throw new Error(`expected an answer of the protocol, got ${type} that ends with ${JSON.stringify(text.slice(-200))}`);
}

function ofError(status: number, type: string, text: string): Outcome {
  if (text === '' && OF_HEADERS.includes(status)) return { kind: 'refused by its headers' };
  const { code, message } = type === 'application/json' ? (JSON.parse(text) as Readonly<Record<string, unknown>>) : {};
  if (typeof code !== 'string' || typeof message !== 'string')
    throw new Error(`expected an error of the protocol, got ${status} ${type}: ${text.slice(0, 500)}`);
  // As a client would take it without a word.
  if (status === 415 && code === 'unknown') return { kind: 'refused by its headers' };
  const expected = STATUSES.find(([known]) => known === code)?.[1];
  if (expected !== status) throw new Error(`expected ${code} with status ${expected}, got ${status}: ${message}`);
  return refused(code, message);
}

function ofTrailers(trailers: ReadonlyMap<string, string>): Outcome {
  const number = Number(trailers.get('grpc-status'));
  if (number === 0) return { kind: 'answered' };
  return refused(STATUSES[number - 1]?.[0] ?? String(number), decodeURIComponent(trailers.get('grpc-message') ?? ''));
}

/** @throws Error where it is no true one */
function refused(code: string, message: string): Outcome {
  const told = `${code}: ${message.slice(0, 500)}`;
  if (!STATUSES.some(([known]) => known === code)) throw new Error(`expected a code of the protocol, got ${told}`);
  if (OURS.includes(code) && message !== COMPRESSED) throw new Error(`expected no fault of ours, got ${told}`);
  if (message === '' || message.length > MAX_MESSAGE_LENGTH || /\p{Cc}/u.test(message))
    throw new Error(`expected a sentence of one line, got ${message.length} characters: ${JSON.stringify(told)}`);
  const inside = OF_OURS.exec(message);
  if (inside) throw new Error(`expected nothing of our insides, got ${JSON.stringify(inside[0])} in ${told}`);
  return { kind: 'refused', code, message };
}
