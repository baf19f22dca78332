/**
 * ForemanService as farm nodes call it: what comes is held against the contract, what goes is signed; the Foreman behind it only
 * decides. Who calls was found out before, by routes/foreman.ts. Contract and errors: proto/asu/farm/v1/foreman.proto.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  createConnectRouter,
  createContextKey,
  type HandlerContext,
  type Interceptor,
} from '@connectrpc/connect';
import type { StoredFile } from '../../shared/build/build-record.ts';
import { bytesToHex, isSha256Hex } from '../../shared/crypto/digest.ts';
import { verifyEd25519 } from '../../shared/crypto/ed25519.ts';
import { type OutputFile, SignedBuildOrderSchema } from '../../shared/gen/asu/farm/v1/build_pb.js';
import {
  ForemanService,
  LeaseStanding,
  type ReportRequest,
  ReportRequestSchema,
} from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { refuseFaultyBody } from '../../shared/node/checked-body.ts';
import { MAX_FILES_PER_CALL, whyTooOld } from '../../shared/node/farm-protocol.ts';
import {
  CERTIFICATE_LIFE_MS,
  type NodeCertificate,
  nodeIdOf,
  signNodeCertificate,
  verifyJoinToken,
} from '../../shared/node/node-identity.ts';
import { standingFromWire, standingToWire } from '../../shared/node/node-standing.ts';
import { OUTPUT_FILE } from '../../shared/request/grammar.ts';
import { whyNoPrefixes } from '../../shared/trust/foreign-feeds.ts';
import { type EdgeContext, foremanOf } from '../edge-context.ts';
import type { Refused, ReportAnswer } from '../foreman/foreman-answers.ts';
import { logError, stackOf } from '../log.ts';
import { ObjectStoreError } from '../storage/object-store-error.ts';
import { completeUpload, completeUploads, openUploads } from '../uploads/uploads.ts';
import { signOrder } from './sign-order.ts';

export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const MAX_WAIT_SECONDS = 25;
/** A node may say what it likes: more would make estimates of everybody's build worthless. */
const MAX_SLOTS = 64;
const MAX_HELD = 64;
const MAX_REPORTS = 256;

export interface Caller {
  readonly context: EdgeContext;
  /** Null for Join, the one call that nobody can sign yet. */
  readonly certificate: NodeCertificate | null;
  /** From where it calls, as far as a quorum has to know (shared/trust/network-of.ts). */
  readonly network: string;
}

/** For the values of a call. */
export const CALLER = createContextKey<Caller | null>(null);

/** The authenticated caller of every call but Join. */
function callerOf(handler: HandlerContext): Caller & { readonly certificate: NodeCertificate } {
  const caller = handler.values.get(CALLER);
  if (!caller?.certificate) throw new ConnectError('no node certificate; join first', Code.Unauthenticated);
  return { ...caller, certificate: caller.certificate };
}

function unlessRefused<Answer extends object | null>(answer: Answer | Refused): Answer {
  if (answer && 'refused' in answer) throw new ConnectError(answer.refused, Code.PermissionDenied);
  return answer as Answer;
}

/** Whatever is not said by us is a Foreman or a store that cannot answer now; the node tries the same call again. */
const unavailable: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (error) {
    if (error instanceof ConnectError) throw error;
    logError('a call of a node failed', { call: request.method.name, error: stackOf(error) });
    const who = error instanceof ObjectStoreError ? 'object store' : 'Foreman';
    throw new ConnectError(`the ${who} cannot answer now; try again`, Code.Unavailable);
  }
};

export const foremanService = createConnectRouter({
  grpc: false,
  readMaxBytes: MAX_MESSAGE_BYTES,
  interceptors: [unavailable, refuseFaultyBody],
}).service(ForemanService, {
  async join(request, handler) {
    const context = handler.values.get(CALLER)?.context;
    if (!context) throw new ConnectError('no context', Code.Internal);
    const now = Date.now();
    const publicKey = new Uint8Array(request.publicKey);
    if (publicKey.length !== 32)
      throw new ConnectError(`public_key: expected 32 bytes, got ${publicKey.length}`, Code.InvalidArgument);
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(request.name))
      throw new ConnectError('name: expected letters, digits, "_", "." or "-", at most 64', Code.InvalidArgument);
    const token = await verifyJoinToken(context.keys.signing.publicKey, request.token, now);
    if (!token.ok) throw new ConnectError(token.reason, Code.Unauthenticated);
    const proven = await verifyEd25519(
      publicKey,
      new TextEncoder().encode(request.token),
      new Uint8Array(request.proof),
    );
    if (!proven) throw new ConnectError('proof: not signed by public_key', Code.Unauthenticated);
    const id = nodeIdOf(publicKey);
    const publicKeyHex = bytesToHex(publicKey);
    const joined = await foremanOf(context.env).join({ id, publicKey: publicKeyHex, name: request.name }, token.claim);
    if (!joined.ok) throw new ConnectError(joined.reason, Code.Unauthenticated);
    const { operator, tier } = token.claim;
    return {
      nodeId: id,
      edgePublicKey: context.keys.signing.publicKey,
      certificate: await certify(context, { nodeId: id, publicKey: publicKeyHex, operator, tier }, now),
    };
  },

  async renew(_request, handler) {
    const { context, certificate } = callerOf(handler);
    const { operator, tier } = unlessRefused(await foremanOf(context.env).renew(certificate.nodeId));
    return { certificate: await certify(context, { ...certificate, operator, tier }, Date.now()) };
  },

  async lease(request, handler) {
    const { context, certificate, network } = callerOf(handler);
    if (!/^[A-Za-z0-9-]{8,64}$/.test(request.idempotencyKey))
      throw new ConnectError('idempotency_key: expected 8 to 64 letters, digits or "-"', Code.InvalidArgument);
    const tooOld = whyTooOld(request.protocol);
    if (tooOld !== null) throw new ConnectError(tooOld, Code.FailedPrecondition);
    const feeds = request.feeds?.prefixes ?? null;
    const wrong = feeds && whyNoPrefixes(feeds);
    if (wrong !== null) throw new ConnectError(`feeds.prefixes: ${wrong}`, Code.InvalidArgument);
    const answer = unlessRefused(
      await foremanOf(context.env).lease(certificate.nodeId, {
        idempotencyKey: request.idempotencyKey,
        softwareVersion: request.softwareVersion.slice(0, 64),
        slots: Math.min(Math.max(request.slots, 1), MAX_SLOTS),
        held: request.heldImageBuilders.filter(isSha256Hex).slice(0, MAX_HELD),
        network,
        feeds,
        waitMs: Math.min(request.waitSeconds, MAX_WAIT_SECONDS) * 1000,
        knownStanding: standingFromWire(request.knownStanding),
        isStopping: request.stops,
      }),
    );
    const { state, reason } = answer.standing;
    const told = { edgeTimeMs: BigInt(Date.now()), standing: standingToWire(state), standingReason: reason };
    if (!answer.order) return told;
    return { ...told, order: create(SignedBuildOrderSchema, await signOrder(context, answer.order)) };
  },

  async report(request, handler) {
    const { context, certificate } = callerOf(handler);
    return answerOf(unlessRefused(await foremanOf(context.env).report(certificate.nodeId, bytesOf(request))));
  },

  async requestUpload(request, handler) {
    const { context, certificate } = callerOf(handler);
    const files = filesOf(context, [request.file], () => 'file');
    const mayPutDirectly = request.canPutDirectly && putsDirectly(context, certificate);
    const [opened] = await openUploads(context, certificate.nodeId, request.leaseId, files, mayPutDirectly);
    return opened ?? {};
  },

  async requestUploads(request, handler) {
    const { context, certificate } = callerOf(handler);
    const files = filesOf(context, request.files);
    const mayPutDirectly = request.canPutDirectly && putsDirectly(context, certificate);
    return { grants: await openUploads(context, certificate.nodeId, request.leaseId, files, mayPutDirectly) };
  },

  async completeUpload(request, handler) {
    const { context, certificate } = callerOf(handler);
    const isDirect = request.isDirect && putsDirectly(context, certificate);
    await completeUpload(context, certificate.nodeId, request.leaseId, request.name, isDirect);
    return {};
  },

  async completeUploads(request, handler) {
    const { context, certificate } = callerOf(handler);
    // It becomes the key of an object before the Foreman is asked.
    if (!/^[A-Za-z0-9-]{8,64}$/.test(request.leaseId))
      throw new ConnectError('lease_id: expected 8 to 64 letters, digits or "-"', Code.InvalidArgument);
    const files = filesOf(context, request.files);
    const reports = request.report && bytesOf(request.report);
    const direct = putsDirectly(context, certificate) ? request.direct : [];
    const completion = { files, direct, reports };
    const { lost, report } = await completeUploads(context, certificate.nodeId, request.leaseId, completion);
    return { lost: [...lost], ...(report && { report: answerOf(report) }) };
  },
});

/** Keys of the store are for machines of the operator's own. */
const putsDirectly = ({ config }: EdgeContext, { tier }: NodeCertificate): boolean =>
  config.DIRECT_UPLOADS && tier === 'trusted';

/** For the Foreman. @throws ConnectError INVALID_ARGUMENT */
function bytesOf(request: ReportRequest): Uint8Array {
  const { length } = request.reports;
  if (length > MAX_REPORTS)
    throw new ConnectError(`reports: expected at most ${MAX_REPORTS}, got ${length}`, Code.InvalidArgument);
  return toBinary(ReportRequestSchema, request);
}

const answerOf = ({ acknowledged, nextReportAfterMs }: ReportAnswer) => ({
  // Not said by a Foreman of before, in the middle of an update.
  nextReportAfterMs: nextReportAfterMs ?? 0,
  acknowledgements: acknowledged.map(({ leaseId, sequence, standing }) => ({
    leaseId,
    sequence,
    standing: standing === 'active' ? LeaseStanding.ACTIVE : LeaseStanding.ENDED,
  })),
});

/** @throws ConnectError INVALID_ARGUMENT that names the field, and the file where its name may be said */
function filesOf(
  { config }: EdgeContext,
  files: readonly (OutputFile | undefined)[],
  fieldOf: (at: number) => string = (at) => `files[${at}]`,
): StoredFile[] {
  const invalid = (message: string) => new ConnectError(message, Code.InvalidArgument);
  if (files.length < 1 || files.length > MAX_FILES_PER_CALL)
    throw invalid(`files: expected 1 to ${MAX_FILES_PER_CALL}, got ${files.length}`);
  const maxBytes = config.MAX_IMAGE_MB * 1024 * 1024;
  const names = new Set<string>();
  return files.map((file, at) => {
    const field = fieldOf(at);
    if (!file || !OUTPUT_FILE.test(file.name))
      throw invalid(`${field}.name: expected letters, digits, "_", ".", "+", "~" or "-", at most 200`);
    const { name, sizeBytes, sha256 } = file;
    if (names.has(name)) throw invalid(`${field}.name: expected ${name} once`);
    names.add(name);
    if (!isSha256Hex(sha256)) throw invalid(`${field}.sha256 of ${name}: expected 64 hex digits`);
    if (sizeBytes < 1n || sizeBytes > BigInt(maxBytes))
      throw invalid(`${field}.size_bytes of ${name}: expected 1 to ${maxBytes}, got ${sizeBytes}`);
    return { name, sizeBytes: Number(sizeBytes), sha256 };
  });
}

const certify = (context: EdgeContext, node: Omit<NodeCertificate, 'expiresAt'>, now: number): Promise<string> =>
  signNodeCertificate(context.keys.signing, {
    nodeId: node.nodeId,
    publicKey: node.publicKey,
    operator: node.operator,
    tier: node.tier,
    expiresAt: now + CERTIFICATE_LIFE_MS,
  });
