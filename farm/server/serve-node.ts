/**
 * The node's own port: gRPC, gRPC-Web and Connect, by HTTP/1.1 and by HTTP/2 without TLS. Anybody may reach it, so everything
 * has an end: connections, streams, sizes, the time that a request may take to arrive. It never keeps a node from ending, and
 * whatever goes wrong here ends no build.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  constants,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError, createConnectRouter, createContextValues, type ServiceImpl } from '@connectrpc/connect';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import { NodeService } from '../../shared/gen/asu/farm/v1/node_pb.js';
import { ENVELOPE_HEAD_BYTES, refuseFaultyBody } from '../../shared/node/checked-body.ts';
import type { ListenAddress } from '../cli/listen-address.ts';
import { listenOn } from '../listen-on.ts';
import { checkedCall } from './checked-call.ts';
import { isLocalCaller } from './local-caller.ts';
import { IS_LOCAL } from './node-service.ts';

/** An order with its first-boot script, packages and repositories has some 300 KiB at most. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
const MAX_CONNECTIONS = 64;
const MAX_STREAMS = 16;
const MAX_HEADER_BYTES = 8 * 1024;
/** For a whole request to arrive. */
const ARRIVAL_MS = 10_000;
/** Of a connection on which nothing is under way. */
const IDLE_MS = 60_000;
/** For watchers to hear that the node stops. */
const LAST_WORDS_MS = 500;

/** @throws ListenError */
export async function serveNode(
  address: ListenAddress,
  service: ServiceImpl<typeof NodeService>,
): Promise<AsyncDisposable & { readonly stop: () => void }> {
  const shutdown = new AbortController();
  const router = createConnectRouter({
    acceptCompression: [],
    interceptors: [refuseFaultyBody],
    readMaxBytes: MAX_MESSAGE_BYTES,
    shutdownSignal: shutdown.signal,
  }).service(NodeService, service);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  async function answer(request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) {
    const handler = handlers.get((request.url ?? '').split('?', 1)[0] ?? '');
    if (!handler) {
      response.statusCode = 404;
      response.end();
      return;
    }
    const isLocal = isLocalCaller(address, request.socket.remoteAddress, request.headers);
    const values = createContextValues().set(IS_LOCAL, isLocal);
    // Throws where there is no host, or one that is none.
    const call = universalRequestFromNodeRequest(request, response as ServerResponse, undefined, values);
    const checked = await checkedCall(handler.method.input, call, MAX_MESSAGE_BYTES + ENVELOPE_HEAD_BYTES);
    await universalResponseToNodeResponse(await handler(checked), response);
  }
  // A caller that left, or spoke no HTTP that can be answered: nobody is there to be told.
  const onRequest = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) =>
    void answer(request, response).catch(() => {
      if (!response.headersSent) response.statusCode = 400;
      response.end();
    });

  const http2 = createHttp2Server({
    settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: MAX_HEADER_BYTES },
    maxSessionMemory: 4,
  });
  http2.on('request', (request, response) => {
    const late = setTimeout(() => request.stream.close(constants.NGHTTP2_CANCEL), ARRIVAL_MS).unref();
    request.once('end', () => clearTimeout(late)).once('close', () => clearTimeout(late));
    onRequest(request, response);
  });
  const sessions = new Set<ServerHttp2Session>();
  http2.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    let streams = 0;
    session.on('stream', (stream) => {
      streams += 1;
      stream.once('close', () => {
        streams -= 1;
      });
    });
    session.setTimeout(IDLE_MS, () => streams === 0 && session.close());
    session.on('error', () => {});
  });
  http2.on('sessionError', () => {});

  const server = createServer(
    {
      requestTimeout: ARRIVAL_MS,
      headersTimeout: ARRIVAL_MS,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    onRequest,
  );
  server.maxConnections = MAX_CONNECTIONS;
  // Must not keep a node from ending.
  server.unref();
  const sockets = new Set<Socket>();
  const [asHttp1] = server.listeners('connection') as [(socket: Socket) => void];
  server.removeAllListeners('connection');
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => {});
    tellApart(socket, (isHttp2) => (isHttp2 ? http2.emit('connection', socket) : asHttp1.call(server, socket)));
  });
  await listenOn(server, address, '--listen: nothing can be served');
  const stop = () => shutdown.abort(new ConnectError('the node stops', Code.Unavailable));
  return {
    stop,
    [Symbol.asyncDispose]: async () => {
      stop();
      server.close();
      const deadlineMs = performance.now() + LAST_WORDS_MS;
      server.closeIdleConnections();
      // Each when its last stream has ended.
      for (const session of sessions) session.close();
      while (sockets.size > 0 && performance.now() < deadlineMs) await sleep(20);
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** HTTP/2 begins with `PRI`, which is no method of HTTP/1.1. A caller that does not say so much in time is cut off. */
function tellApart(socket: Socket, on: (isHttp2: boolean) => void): void {
  const late = setTimeout(() => socket.destroy(), ARRIVAL_MS).unref();
  socket.once('close', () => clearTimeout(late));
  const look = () => {
    const start = socket.read(3) as Buffer | null;
    // Fewer, or the caller is gone.
    if (start === null) return;
    socket.off('readable', look);
    clearTimeout(late);
    socket.unshift(start);
    on(start.toString('latin1') === 'PRI');
  };
  socket.on('readable', look);
}
