/**
 * A farm node as the edge sees one: it joins with a token, signs its calls, uploads and reports over HTTP. Everything that it
 * says can be bent, since that is what the edge has to withstand.
 */
import { create, fromBinary, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { expect, vi } from 'vitest';
import { orderedBuild } from '../../farm/membership/sign-statement.ts';
import { bytesToHex, sha256Hex, utf8ToBytes } from '../../shared/crypto/digest.ts';
import { type SigningKey, signingKey } from '../../shared/crypto/ed25519.ts';
import { serverKeys } from '../../shared/crypto/server-keys.ts';
import { type BuildOrder, BuildOrderSchema, BuildSucceededSchema } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { ForemanService } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { CALL_HEADERS, signCall } from '../../shared/node/call-signature.ts';
import { FARM_PROTOCOL } from '../../shared/node/farm-protocol.ts';
import { type JoinToken, signJoinToken } from '../../shared/node/node-identity.ts';
import { configOf } from '../config.ts';
import { ask, env, jsonOf, post } from '../edge.fixture.ts';
import { type ReportedEvent, signedEvent } from './signed-event.fixture.ts';

export const edgeKeys = await serverKeys(configOf(env).SERVER_KEY);
const audience = bytesToHex(edgeKeys.signing.publicKey);

export interface Credentials {
  readonly key: SigningKey;
  readonly certificate: string;
}

export interface FarmNode extends Credentials {
  readonly id: string;
}

export type MethodName = keyof typeof ForemanService.method;
type Input<Name extends MethodName> = (typeof ForemanService.method)[Name]['input'];
type Output<Name extends MethodName> = (typeof ForemanService.method)[Name]['output'];

/** What a forger may change of a signed call. */
export interface Bent {
  readonly timeMs?: number;
  readonly audience?: string;
  readonly signedPath?: string;
  readonly signedMethod?: string;
  readonly signedBody?: string;
  readonly headers?: Readonly<Record<string, string | null>>;
}

export async function signedHeaders(
  node: Credentials,
  method: string,
  path: string,
  bodySha256: string,
  bent: Bent = {},
): Promise<Headers> {
  const timeMs = bent.timeMs ?? Date.now();
  const call = {
    method: bent.signedMethod ?? method,
    audience: bent.audience ?? audience,
    path: bent.signedPath ?? path,
    bodySha256: bent.signedBody ?? bodySha256,
    timeMs,
  };
  const headers = new Headers({
    [CALL_HEADERS.certificate]: node.certificate,
    [CALL_HEADERS.time]: String(timeMs),
    [CALL_HEADERS.bodySha256]: bodySha256,
    [CALL_HEADERS.signature]: await signCall(node.key, call),
  });
  for (const [name, value] of Object.entries(bent.headers ?? {}))
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  return headers;
}

export const pathOf = (name: MethodName): string => `/${ForemanService.typeName}/${ForemanService.method[name].name}`;

export type Called<Name extends MethodName> =
  | { readonly status: 200; readonly message: MessageShape<Output<Name>> }
  | { readonly status: number; readonly code: string; readonly error: string };

export async function call<Name extends MethodName>(
  node: Credentials | null,
  name: Name,
  message: MessageInitShape<Input<Name>>,
  bent: Bent = {},
): Promise<Called<Name>> {
  const { input, output } = ForemanService.method[name];
  const body = new Uint8Array(toBinary(input, create(input, message as never)));
  const headers = node
    ? await signedHeaders(node, 'POST', pathOf(name), sha256Hex(body), bent)
    : new Headers(Object.entries(bent.headers ?? {}).flatMap(([key, value]) => (value === null ? [] : [[key, value]])));
  headers.set('content-type', 'application/proto');
  headers.set('connect-protocol-version', '1');
  const response = await ask(pathOf(name), { method: 'POST', headers, body });
  if (response.status === 200) {
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { status: 200, message: fromBinary(output, bytes) as MessageShape<Output<Name>> };
  }
  const { code, message: error } = (await response.json()) as { code: string; message: string };
  return { status: response.status, code, error };
}

export async function good<Name extends MethodName>(
  node: Credentials | null,
  name: Name,
  message: MessageInitShape<Input<Name>>,
): Promise<MessageShape<Output<Name>>> {
  const called = await call(node, name, message);
  if ('message' in called) return called.message;
  throw new Error(`expected ${name} to be answered, got ${called.status} ${called.code}: ${called.error}`);
}

export const joinToken = (seed: number, fields: Partial<JoinToken> = {}): Promise<string> =>
  signJoinToken(edgeKeys.signing, {
    id: seed.toString(16).padStart(32, '0'),
    operator: 'op',
    tier: 'trusted',
    expiresAt: Date.now() + 3_600_000,
    ...fields,
  });

export async function joinNode(seed: number, fields: Partial<JoinToken> = {}): Promise<FarmNode> {
  const key = await signingKey(new Uint8Array(32).fill(seed));
  const token = await joinToken(seed, fields);
  const proof = await key.sign(utf8ToBytes(token));
  const joined = await good(null, 'join', { token, publicKey: key.publicKey, name: `node-${seed}`, proof });
  return { key, certificate: joined.certificate, id: joined.nodeId };
}

/** The next order, or null where there is none now. */
export async function lease(
  node: Credentials,
  idempotencyKey: string = crypto.randomUUID(),
): Promise<BuildOrder | null> {
  const { order: signed } = await good(node, 'lease', { idempotencyKey, waitSeconds: 0, protocol: FARM_PROTOCOL });
  if (!signed) return null;
  const order = fromBinary(BuildOrderSchema, signed.order);
  orders.set(order.leaseId, order);
  logPermits.set(order.leaseId, signed.logPermit);
  return order;
}

/** The next order, which there is. */
export async function orderFor(node: Credentials): Promise<BuildOrder> {
  const order = await lease(node);
  if (!order) throw new Error('expected an order');
  return order;
}

/** What came along with the order; empty for a private build's. */
export const logPermitOf = ({ leaseId }: BuildOrder): string => logPermits.get(leaseId) ?? '';
const logPermits = new Map<string, string>();

/** Those that were given, by lease: what a node states is about its order. */
const orders = new Map<string, BuildOrder>();

/** Signed, as an honest node does it. */
export async function signedReport(node: Credentials, leaseId: string, sequence: number, event: ReportedEvent) {
  const order = orders.get(leaseId);
  const signed = order ? await signedEvent(node.key, orderedBuild(order, node.key), event) : event;
  return { leaseId, sequence: BigInt(sequence), event: signed };
}

export const report = async (node: Credentials, leaseId: string, sequence: number, event: ReportedEvent) =>
  good(node, 'report', { reports: [await signedReport(node, leaseId, sequence, event)] });

/** Sends a file's bytes to where RequestUpload said. */
export async function put(node: Credentials, path: string, text: string, bent: Bent = {}): Promise<Response> {
  const headers = await signedHeaders(node, 'PUT', path, sha256Hex(text), bent);
  headers.set('content-length', String(utf8ToBytes(text).length));
  return ask(path, { method: 'PUT', headers, body: utf8ToBytes(text) as Uint8Array<ArrayBuffer> });
}

export const fileOf = (name: string, text: string) => ({
  name,
  sizeBytes: BigInt(utf8ToBytes(text).length),
  sha256: sha256Hex(text),
});

export async function upload(node: Credentials, leaseId: string, name: string, text: string) {
  const file = fileOf(name, text);
  const granted = await good(node, 'requestUpload', { leaseId, file });
  const response = await put(node, granted.path, text);
  if (!response.ok) throw new Error(`expected PUT to be answered, got ${response.status} ${await response.text()}`);
  await good(node, 'completeUpload', { leaseId, name });
  return file;
}

/** As nodes do it since they can ask for all files of a build at once. */
export async function uploadAll(node: Credentials, leaseId: string, texts: Readonly<Record<string, string>>) {
  const files = Object.entries(texts).map(([name, text]) => fileOf(name, text));
  const { grants } = await good(node, 'requestUploads', { leaseId, files });
  for (const [at, text] of Object.values(texts).entries()) {
    const response = await put(node, grants[at]?.path ?? '', text);
    if (!response.ok) throw new Error(`expected PUT to be answered, got ${response.status} ${await response.text()}`);
  }
  const { lost } = await good(node, 'completeUploads', { leaseId, files });
  if (lost.length > 0) throw new Error(`expected all files to be complete, got ${lost} lost`);
  return files;
}

/** What the good mirror's ImageBuilder would say of itself. */
export const PROFILES_JSON = {
  target: 'x86/64',
  version_code: 'r28427-6df0e3d02a',
  version_number: '24.10.2',
  source_date_epoch: 1_750_000_000,
  arch_packages: 'x86_64',
  default_packages: ['base-files', 'dnsmasq'],
  profiles: { generic: { image_prefix: 'x', device_packages: ['kmod-e1000'], supported_devices: [], titles: [] } },
};

export const IMAGE_NAME = 'openwrt-x86-64-generic-squashfs-combined.img.gz';

/** A result as an honest node reports it. */
export const succeeded = (
  files: readonly ReturnType<typeof fileOf>[],
  manifest: Readonly<Record<string, string>> = { 'base-files': '1', dnsmasq: '2.90', curl: '8.1-r1' },
) => ({
  case: 'succeeded' as const,
  value: create(BuildSucceededSchema, {
    files: [...files],
    images: files.slice(0, 1).map((file) => ({ ...file, type: 'combined', filesystem: 'squashfs' })),
    manifest: Object.entries(manifest).map(([name, version]) => ({ name, version })),
    profilesJson: JSON.stringify(PROFILES_JSON),
    buildCommand: ['make', 'image', 'PROFILE=generic'],
    durationMs: 1000n,
    circumstances: { sandbox: 'a fence', imageBuilderSignedBy: 'd310c6f2833e97f7' },
  }),
});

/** Builds an order as an honest node does: uploads an image and reports it. */
export async function finish(
  node: Credentials,
  order: BuildOrder,
  { image = `image of ${order.requestHash}`, sequence = 1 } = {},
) {
  const file = await upload(node, order.leaseId, IMAGE_NAME, image);
  return report(node, order.leaseId, sequence, succeeded([file]));
}

/** Asks for an image and has it built. Returns its hash, once a poll answers that it is done. */
export async function built(node: Credentials, request: unknown): Promise<string> {
  const { request_hash: hash } = await jsonOf(await post(request));
  const order = await lease(node);
  if (!order || order.requestHash !== hash) throw new Error(`expected an order for ${hash}, got ${order?.requestHash}`);
  await finish(node, order);
  // What was said of it while it was pending stands for a moment.
  await vi.waitFor(async () => expect((await ask(`/api/v1/build/${hash}`)).status).toBe(200), { timeout: 30_000 });
  return hash;
}
