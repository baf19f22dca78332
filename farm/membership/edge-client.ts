/**
 * The node's way to its edge: Connect over HTTP/1.1 with every call signed. All connections go out, so a node behind any
 * NAT or firewall works.
 */
import { type Client, createClient } from '@connectrpc/connect';
import { readAllBytes, type UniversalClientFn } from '@connectrpc/connect/protocol';
import { createTransport } from '@connectrpc/connect/protocol-connect';
import { createNodeHttpClient } from '@connectrpc/connect-node';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import type { SigningKey } from '../../shared/crypto/ed25519.ts';
import { ForemanService } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { CALL_HEADERS, EDGE_TIME_HEADER, signCall } from '../../shared/node/call-signature.ts';
import type { EdgeClock } from './edge-clock.ts';

export type ForemanClient = Client<typeof ForemanService>;

/** What the node learnt when it joined. */
export interface Membership {
  readonly certificate: string;
  /** The edge's key, 64 hex digits. */
  readonly edgePublicKey: string;
  /** By which calls are signed; absent: this machine's own. */
  readonly clock?: EdgeClock;
}

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** `membership` is asked at each call, since certificates are renewed; null before joining. */
export function foremanClient(edgeUrl: string, key: SigningKey, membership: () => Membership | null): ForemanClient {
  const http = createNodeHttpClient({ httpVersion: '1.1' });
  const signing: UniversalClientFn = async (request) => {
    const body = request.body ? await readAllBytes(request.body, MAX_MESSAGE_BYTES) : new Uint8Array();
    const url = new URL(request.url);
    const call = async () => {
      const headers = await callHeaders(key, membership(), request.method, url, sha256Hex(body));
      for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
      return http({
        ...request,
        body: (async function* () {
          yield body;
        })(),
      });
    };
    const answer = await call();
    const edgeTimeMs = Number(answer.header.get(EDGE_TIME_HEADER));
    const isRefusedForItsTime = answer.status === 401 && edgeTimeMs > 0 && membership()?.clock?.hear(edgeTimeMs);
    if (!isRefusedForItsTime) return answer;
    await readAllBytes(answer.body, MAX_MESSAGE_BYTES);
    return call();
  };
  return createClient(
    ForemanService,
    createTransport({
      baseUrl: edgeUrl,
      httpClient: signing,
      useBinaryFormat: true,
      interceptors: [],
      acceptCompression: [],
      sendCompression: null,
      compressMinBytes: Number.MAX_SAFE_INTEGER,
      readMaxBytes: MAX_MESSAGE_BYTES,
      writeMaxBytes: MAX_MESSAGE_BYTES,
      // A line that is half open would otherwise be waited on for ever.
      defaultTimeoutMs: 30_000,
    }),
  );
}

/** The headers that prove who calls; none before joining. */
export async function callHeaders(
  key: SigningKey,
  membership: Membership | null,
  method: string,
  url: URL,
  bodySha256: string,
): Promise<Record<string, string>> {
  if (!membership) return {};
  const timeMs = (membership.clock ?? Date).now();
  const call = { method, audience: membership.edgePublicKey, path: url.pathname + url.search, bodySha256, timeMs };
  return {
    [CALL_HEADERS.certificate]: membership.certificate,
    [CALL_HEADERS.time]: String(timeMs),
    [CALL_HEADERS.bodySha256]: bodySha256,
    [CALL_HEADERS.signature]: await signCall(key, call),
  };
}
