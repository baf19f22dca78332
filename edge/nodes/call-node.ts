/**
 * Calls a node at its address: NodeService by the Connect protocol, unary, from a Worker and never from the Foreman, which may
 * have few connections open and must not wait for a stranger's host. Whatever answers there (a page, a redirect, a gigabyte,
 * nothing at all) is bounded in time and size, and ends in a sentence.
 */
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import type { UniversalClientFn } from '@connectrpc/connect/protocol';
import { createTransport } from '@connectrpc/connect/protocol-connect';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import { NodeService } from '../../shared/gen/asu/farm/v1/node_pb.js';
import { printable } from '../../shared/text/printable.ts';

const CALL_TIMEOUT_MS = 5_000;
/** A node's longest answer has the names of 64 ImageBuilders, of 64 digits each. */
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_ORDER_BYTES = 1024 * 1024;
const MAX_TOLD = 160;

export const callableNode = (address: string) =>
  createClient(
    NodeService,
    createTransport({
      baseUrl: address,
      httpClient: fetchOnce,
      useBinaryFormat: true,
      interceptors: [],
      acceptCompression: [],
      sendCompression: null,
      compressMinBytes: Number.MAX_SAFE_INTEGER,
      readMaxBytes: MAX_ANSWER_BYTES,
      writeMaxBytes: MAX_ORDER_BYTES,
      defaultTimeoutMs: CALL_TIMEOUT_MS,
    }),
  );

export type NodeAt = { readonly ok: true; readonly nodeId: string } | { readonly ok: false; readonly reason: string };

/** Who answers there, as it says: against a slip of the hand, since anybody may know a node's id. */
export async function nodeAt(address: string): Promise<NodeAt> {
  try {
    const { nodeId } = await callableNode(address).getNode({});
    return isSha256Hex(nodeId) ? { ok: true, nodeId } : { ok: false, reason: 'what answers there names no node' };
  } catch (error) {
    return { ok: false, reason: tellCallFault(error) };
  }
}

/** Why a call came to nothing, for an operator to read. */
export function tellCallFault(error: unknown): string {
  const { code, rawMessage } = ConnectError.from(error);
  if (code === Code.DeadlineExceeded) return `no answer within ${CALL_TIMEOUT_MS / 1000} s`;
  return printable(`${Code[code]}: ${rawMessage}`, MAX_TOLD);
}

/** An order goes to the host that the operator named, and nowhere that this host points to. */
const fetchOnce: UniversalClientFn = async ({ url, method, header, body, signal }) => {
  const response = await fetch(url, {
    method,
    headers: header,
    body: await bytesOf(body ?? []),
    redirect: 'manual',
    ...(signal && { signal }),
  });
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel();
    throw new ConnectError('the host points to another one, which is not followed', Code.Unknown);
  }
  return {
    status: response.status,
    header: response.headers,
    body: piecesOf(response, signal),
    trailer: new Headers(),
  };
};

async function bytesOf(pieces: AsyncIterable<Uint8Array> | readonly Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of pieces) chunks.push(new Uint8Array(piece));
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/**
 * Closes the connection when nobody reads on: of an answer that is too long the rest is never fetched. A body that stops in its
 * middle ends with the call's time, whether or not the platform cuts it off.
 */
async function* piecesOf({ body }: Response, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  if (!body) return;
  const reader = body.getReader();
  const { promise: over, reject } = Promise.withResolvers<never>();
  over.catch(() => undefined);
  const onAbort = () => reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const read = () => Promise.race([reader.read(), over]);
  try {
    for (let next = await read(); !next.done; next = await read()) yield next.value;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await reader.cancel().catch(() => undefined);
  }
}
