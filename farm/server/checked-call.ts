/**
 * A call as Connect shall have it: with a body that is a message (shared/node/checked-body.ts), and with no more patience than a timer can
 * have. Node.js takes a longer time for a millisecond, and says so on standard error each time.
 */
import type { DescMessage } from '@bufbuild/protobuf';
import { createContextValues } from '@connectrpc/connect';
import type { UniversalServerRequest } from '@connectrpc/connect/protocol';
import { BODY_FAULT, checkedBody, ENVELOPE_HEAD_BYTES, promisedBytes } from '../../shared/node/checked-body.ts';

/** The longest that a timer waits: 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const TIMEOUTS = { 'connect-timeout-ms': /^(\d{1,10})$/, 'grpc-timeout': /^(\d{1,8})([HMSmun])$/ } as const;
/** Without one: of Connect. */
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** @param maxBytes of a body that is looked at; a larger one Connect refuses for its size, without reading all of it */
export async function checkedCall(
  schema: DescMessage,
  call: UniversalServerRequest,
  maxBytes: number,
): Promise<UniversalServerRequest> {
  const header = new Headers(call.header);
  for (const [name, grammar] of Object.entries(TIMEOUTS))
    if (patienceMs(grammar, header.get(name)) > MAX_TIMER_MS) header.delete(name);
  const ofName = (name: string): string | null => header.get(name);
  const isTooLarge = (start: Uint8Array, sizeBytes: number): boolean =>
    Math.max(sizeBytes, promisedBytes(ofName, start)) > maxBytes;
  const start = await startOf(call.body as AsyncIterable<Uint8Array>, isTooLarge);
  if (!start.isWhole) return { ...call, header, body: start.body };
  const { body, fault } = checkedBody(schema, ofName, start.bytes);
  // Of the body that this one stands for.
  if (fault !== null) header.delete('content-length');
  const contextValues = (call.contextValues ?? createContextValues()).set(BODY_FAULT, fault);
  return { ...call, header, contextValues, body: only(body) };
}

/** 0 of what is none: Connect says so. */
function patienceMs(grammar: RegExp, value: string | null): number {
  const [, number, unit = 'm'] = grammar.exec(value ?? '') ?? [];
  return Number(number ?? 0) * (UNIT_MS[unit] ?? 0);
}

type Start =
  | { readonly isWhole: true; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly isWhole: false; readonly body: AsyncIterable<Uint8Array> };

async function startOf(
  body: AsyncIterable<Uint8Array>,
  isTooLarge: (start: Uint8Array, sizeBytes: number) => boolean,
): Promise<Start> {
  const reader = body[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let [start, sizeBytes] = [new Uint8Array(), 0];
  while (!isTooLarge(start, sizeBytes)) {
    const next = await reader.next();
    if (next.done) return { isWhole: true, bytes: new Uint8Array(Buffer.concat(chunks)) };
    chunks.push(next.value);
    sizeBytes += next.value.byteLength;
    if (start.byteLength < ENVELOPE_HEAD_BYTES) start = new Uint8Array(Buffer.concat(chunks));
  }
  return { isWhole: false, body: both(chunks, { [Symbol.asyncIterator]: () => reader }) };
}

async function* both(start: readonly Uint8Array[], rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* start;
  yield* rest;
}

async function* only(body: Uint8Array): AsyncGenerator<Uint8Array> {
  yield body;
}
