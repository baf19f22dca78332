/**
 * Is what came with a call a message of its kind? Connect takes bytes that are none for a fault of the server (`internal`, 500), in each
 * of its protocols, and whoever sent them would look for it on our side; and of JSON that is none it quotes so much, and in such
 * letters, that it may fail to say it at all. So it is found before, an empty message is put in its place, and an interceptor refuses
 * the call as what it is, in the words of the protocol that it came by.
 */
import { type DescMessage, fromBinary, fromJsonString } from '@bufbuild/protobuf';
import { Code, ConnectError, type ContextKey, createContextKey, type Interceptor } from '@connectrpc/connect';
import { printable } from '../text/printable.ts';

export interface CheckedBody {
  readonly body: Uint8Array<ArrayBuffer>;
  /** Null where it is a message, or where Connect itself says what is wrong with it. */
  readonly fault: string | null;
}

/** For the values of the call. */
export const BODY_FAULT: ContextKey<string | null> = createContextKey<string | null>(null);

export const refuseFaultyBody: Interceptor = (next) => async (request) => {
  const fault = request.contextValues.get(BODY_FAULT);
  if (fault !== null) throw new ConnectError(fault, Code.InvalidArgument);
  return await next(request);
};

/** By their media types, as Connect reads those: where they say an encoding, and what flag ends a stream where there are envelopes. */
const CARRIERS = [
  { type: /^application\/(?:proto|(json)(?:; ?charset=utf-?8)?)$/i, encoding: 'content-encoding', endFlag: null },
  {
    type: /^application\/connect\+(?:proto|(json)(?:; ?charset=utf-?8)?)$/i,
    encoding: 'connect-content-encoding',
    endFlag: 0x02,
  },
  {
    type: /^application\/grpc-web(?:\+(?:proto|(json)(?:; ?charset=utf-?8)?))?$/i,
    encoding: 'grpc-encoding',
    endFlag: 0x80,
  },
  { type: /^application\/grpc(?:\+(?:proto|(json)(?:; ?charset=utf-?8)?))?$/i, encoding: 'grpc-encoding', endFlag: 0 },
] as const;
const COMPRESSED_FLAG = 0x01;
/** One byte of flags, four of length. */
export const ENVELOPE_HEAD_BYTES = 5;
const EMPTY = { binary: [], json: [0x7b, 0x7d] } as const;
const MAX_FAULT_LENGTH = 300;

type HeaderOf = (name: string) => string | null;

export function checkedBody(schema: DescMessage, headerOf: HeaderOf, body: Uint8Array<ArrayBuffer>): CheckedBody {
  const carrier = carrierOf(headerOf);
  if (!carrier || (headerOf(carrier.encoding) ?? 'identity') !== 'identity') return { body, fault: null };
  const { endFlag, format } = carrier;
  const messages = endFlag === null ? [body] : messagesIn(body, endFlag);
  const fault = messages.map((message) => faultOf(schema, format, message)).find((found) => found !== null) ?? null;
  if (fault === null) return { body, fault };
  const empty = EMPTY[format];
  return { body: Uint8Array.from(endFlag === null ? empty : [0, 0, 0, 0, empty.length, ...empty]), fault };
}

/** How many bytes a call says that it has, as far as it has come: what is too many need not be waited for. */
export function promisedBytes(headerOf: HeaderOf, start: Uint8Array): number {
  const isInEnvelope = (carrierOf(headerOf)?.endFlag ?? null) !== null && start.length >= ENVELOPE_HEAD_BYTES;
  return isInEnvelope ? lengthAt(start, 0) : Number(headerOf('content-length') ?? 0);
}

function carrierOf(headerOf: HeaderOf) {
  const type = headerOf('content-type') ?? '';
  const carrier = CARRIERS.find((one) => one.type.test(type));
  return carrier && ({ ...carrier, format: carrier.type.exec(type)?.[1] === undefined ? 'binary' : 'json' } as const);
}

/** Of the envelope that begins there. */
const lengthAt = (body: Uint8Array, at: number): number => new DataView(body.buffer, body.byteOffset).getUint32(at + 1);

/** Of all envelopes up to one that is compressed or not whole: Connect reads no further. */
function messagesIn(body: Uint8Array, endFlag: number): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at + ENVELOPE_HEAD_BYTES <= body.length; ) {
    const flags = body[at] ?? 0;
    const from = at + ENVELOPE_HEAD_BYTES;
    at = from + lengthAt(body, at);
    if (at > body.length || (flags & COMPRESSED_FLAG) !== 0) break;
    if ((flags & endFlag) === 0) messages.push(body.subarray(from, at));
  }
  return messages;
}

function faultOf(schema: DescMessage, format: keyof typeof EMPTY, bytes: Uint8Array): string | null {
  try {
    if (format === 'binary') fromBinary(schema, bytes);
    else fromJsonString(schema, new TextDecoder().decode(bytes), { ignoreUnknownFields: true });
    return null;
  } catch (error) {
    if (format === 'binary') return `expected a ${schema.typeName}`;
    // Which field it is. It quotes what was sent: in a trailer of gRPC half a character could not be written.
    return printable((error as Error).message.toWellFormed(), MAX_FAULT_LENGTH);
  }
}
