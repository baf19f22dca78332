import { afterEach, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { bytesToHex, sha256Hex, utf8ToBytes } from '../../shared/crypto/digest.ts';
import { signingKey } from '../../shared/crypto/ed25519.ts';
import { signText } from '../../shared/crypto/signed-text.ts';
import { CALL_HEADERS } from '../../shared/node/call-signature.ts';
import { FARM_PROTOCOL } from '../../shared/node/farm-protocol.ts';
import { CERTIFICATE_LIFE_MS, nodeIdOf, signNodeCertificate } from '../../shared/node/node-identity.ts';
import { alterTables, ask, env, foremanStats, foremanStub, openUpstream, rowsOf } from '../edge.fixture.ts';
import {
  type Bent,
  type Credentials,
  call,
  edgeKeys,
  type FarmNode,
  good,
  joinNode,
  joinToken,
  pathOf,
  put,
  signedHeaders,
} from './farm-node.fixture.ts';

const stranger = await signingKey(new Uint8Array(32).fill(99));
let node: FarmNode;
let other: FarmNode;

beforeAll(async () => {
  await openUpstream();
  node = await joinNode(1);
  other = await joinNode(2);
});

const calls = async () => (await foremanStats()).calls;
const lease = { idempotencyKey: 'a-key-of-a-call', waitSeconds: 0, protocol: FARM_PROTOCOL };

/** A certificate with something else in it, signed by whoever. */
const certificate = (fields: object, by = edgeKeys.signing): Promise<string> =>
  signNodeCertificate(by, {
    nodeId: node.id,
    publicKey: bytesToHex(node.key.publicKey),
    operator: 'op',
    tier: 'trusted',
    expiresAt: Date.now() + 1000,
    ...fields,
  });

test('a call that is signed as it should be reaches the Foreman', async () => {
  const before = await calls();
  expect(await call(node, 'lease', lease)).toMatchObject({ status: 200 });
  expect(await calls()).toEqual({ ...before, lease: (before.lease ?? 0) + 1 });
});

describe('a call is refused without the Foreman hearing of it', () => {
  let before: Readonly<Record<string, number>>;
  beforeEach(async () => {
    // Stands still: what is told of a clock must not depend on how long a call takes.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    before = await calls();
  });
  afterEach(async () => {
    vi.useRealTimers();
    expect(await calls()).toEqual(before);
  });

  const MINUTE = 61_000;
  const rows: [string, () => Promise<[Credentials | null, Bent]>, string][] = [
    ['without anything', async () => [null, {}], 'no node certificate; join first'],
    ['without a certificate', async () => [node, { headers: { [CALL_HEADERS.certificate]: null } }], 'join first'],
    [
      'without a signature',
      async () => [node, { headers: { [CALL_HEADERS.signature]: null } }],
      'expected the headers',
    ],
    ['without a time', async () => [node, { headers: { [CALL_HEADERS.time]: null } }], 'expected the headers'],
    ['with a slow clock', async () => [node, { timeMs: Date.now() - MINUTE }], 'clock is -61 s off'],
    ['with a fast clock', async () => [node, { timeMs: Date.now() + MINUTE }], 'clock is 61 s off'],
    ['with a time that is none', async () => [node, { headers: { [CALL_HEADERS.time]: '0x1' } }], 'clock is NaN s off'],
    [
      'with a time of its own beside the signature',
      async () => [node, { headers: { [CALL_HEADERS.time]: String(Date.now() + 5) } }],
      'not signed',
    ],
    ['by another node’s key', async () => [{ ...node, key: other.key }, {}], 'not signed'],
    ['with another node’s certificate', async () => [{ ...node, certificate: other.certificate }, {}], 'not signed'],
    [
      'with a signature that is none',
      async () => [node, { headers: { [CALL_HEADERS.signature]: 'AAAA' } }],
      'not signed',
    ],
    [
      'with a certificate of its own making',
      async () => [{ ...node, certificate: await certificate({}, node.key) }, {}],
      'not issued by this edge',
    ],
    [
      'with a stranger’s certificate by a stranger',
      async () => [
        { key: stranger, certificate: await certificate({ publicKey: bytesToHex(stranger.publicKey) }, stranger) },
        {},
      ],
      'not issued by this edge',
    ],
    [
      'with a certificate that is expired',
      async () => [{ ...node, certificate: await certificate({ expiresAt: Date.now() }) }, {}],
      'the node certificate has expired',
    ],
    [
      'with a join token for a certificate',
      async () => [{ ...node, certificate: await joinToken(7) }, {}],
      'not issued by this edge',
    ],
    [
      'with a certificate signed for another purpose',
      async () => [{ ...node, certificate: await signText(edgeKeys.signing, 'something', { nodeId: node.id }) }, {}],
      'not issued by this edge',
    ],
    [
      'with a certificate that is changed',
      async () => [{ ...node, certificate: `x${node.certificate}` }, {}],
      'not issued by this edge',
    ],
    ['signed for another edge', async () => [node, { audience: 'a'.repeat(64) }], 'not signed'],
    ['signed for another path', async () => [node, { signedPath: pathOf('report') }], 'not signed'],
    ['signed for another method', async () => [node, { signedMethod: 'PUT' }], 'not signed'],
    [
      'whose body was changed after it was signed',
      async () => [node, { signedBody: sha256Hex('other') }],
      'not signed',
    ],
  ];
  it.each(rows)('%s', async (_, forge, reason) => {
    const [credentials, bent] = await forge();
    expect(await call(credentials, 'lease', lease, bent)).toMatchObject({
      status: 401,
      code: 'unauthenticated',
      error: expect.stringContaining(reason),
    });
  });

  it('replayed with another body', async () => {
    const headers = await signedHeaders(node, 'POST', pathOf('lease'), sha256Hex('signed'));
    headers.set('content-type', 'application/proto');
    expect((await ask(pathOf('lease'), { method: 'POST', headers, body: 'another' })).status).toBe(401);
  });

  it('replayed to another path, or with a query more', async () => {
    const headers = await signedHeaders(node, 'POST', pathOf('renew'), sha256Hex(''));
    headers.set('content-type', 'application/proto');
    for (const path of [pathOf('lease'), pathOf('report'), `${pathOf('renew')}?x`, `/${pathOf('renew')}`])
      expect([path, (await ask(path, { method: 'POST', headers })).status]).toEqual([path, 401]);
  });

  it('for every method, and for bytes', async () => {
    const names = [
      'renew',
      'lease',
      'report',
      'requestUpload',
      'completeUpload',
      'requestUploads',
      'completeUploads',
    ] as const;
    for (const name of names) expect(await call(null, name, {})).toMatchObject({ status: 401 });
    expect((await put({ ...node, key: other.key }, '/farm/v1/objects/lease/x.bin', 'x')).status).toBe(401);
  });

  it('with more than a message may have', async () => {
    const body = 'x'.repeat(4 * 1024 * 1024 + 1);
    const headers = await signedHeaders(node, 'POST', pathOf('report'), sha256Hex(body));
    const response = await ask(pathOf('report'), { method: 'POST', headers, body });
    expect([response.status, await response.json()]).toMatchObject([429, { code: 'resource_exhausted' }]);
  });
});

test('a Foreman that cannot answer is unavailable, to be asked again, and tells nothing of its insides', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const broken = vi.spyOn(env.FOREMAN, 'get').mockImplementation(() => {
    throw new Error('insides');
  });
  const called = await call(node, 'lease', lease);
  broken.mockRestore();
  expect(called).toMatchObject({ status: 503, code: 'unavailable', error: expect.not.stringContaining('insides') });
  expect(JSON.stringify(log.mock.calls)).toContain('insides');
  log.mockRestore();
});

test('a refusal tells nothing of the secret key', async () => {
  const called = await call(node, 'lease', lease, { timeMs: 0 });
  expect(JSON.stringify(called)).not.toContain('5e5e');
});

describe('joining', () => {
  const join = async (seed: number, token: string, fields: object = {}) => {
    const key = await signingKey(new Uint8Array(32).fill(seed));
    const proof = await key.sign(utf8ToBytes(token));
    return call(null, 'join', { token, publicKey: key.publicKey, name: 'n', proof, ...fields });
  };

  it('gives an id, a certificate for a day, and the key of the edge', async () => {
    const joined = await join(10, await joinToken(10));
    if (!('message' in joined)) throw new Error(joined.error);
    const key = await signingKey(new Uint8Array(32).fill(10));
    expect(joined.message.nodeId).toBe(nodeIdOf(key.publicKey));
    expect(bytesToHex(joined.message.edgePublicKey)).toBe(bytesToHex(edgeKeys.signing.publicKey));
    expect(await call({ key, certificate: joined.message.certificate }, 'renew', {})).toMatchObject({ status: 200 });
  });

  it('again with the same key and token is welcome, with another key not', async () => {
    const token = await joinToken(11);
    expect(await join(11, token)).toMatchObject({ status: 200 });
    expect(await join(11, token)).toMatchObject({ status: 200 });
    expect(await join(12, token)).toMatchObject({
      code: 'unauthenticated',
      error: expect.stringContaining('used by another node'),
    });
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['with an expired token', async () => join(13, await joinToken(13, { expiresAt: Date.now() })), 'unauthenticated'],
    ['with a certificate for a token', async () => join(13, node.certificate), 'unauthenticated'],
    ['with no token', async () => join(13, ''), 'unauthenticated'],
    [
      'without proof of the key',
      async () => join(13, await joinToken(13), { proof: new Uint8Array(64) }),
      'unauthenticated',
    ],
    [
      'with another’s key',
      async () => join(13, await joinToken(13), { publicKey: node.key.publicKey }),
      'unauthenticated',
    ],
    [
      'with half a key',
      async () => join(13, await joinToken(13), { publicKey: new Uint8Array(31) }),
      'invalid_argument',
    ],
    ['with a name of markup', async () => join(13, await joinToken(13), { name: '<b>' }), 'invalid_argument'],
    ['without a name', async () => join(13, await joinToken(13), { name: '' }), 'invalid_argument'],
  ])('%s is refused and leaves no node', async (_, attempt, code) => {
    const before = [await rowsOf(foremanStub(), 'nodes'), await rowsOf(foremanStub(), 'join_tokens'), await calls()];
    expect(await attempt()).toMatchObject({ code });
    expect([await rowsOf(foremanStub(), 'nodes'), await rowsOf(foremanStub(), 'join_tokens'), await calls()]).toEqual(
      before,
    );
  });
});

describe('renewing', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('gives a machine that was switched off for a month its certificate back, and no other call', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 30 * 86_400_000 });
    expect(await call(node, 'lease', lease)).toMatchObject({ status: 401 });
    const { certificate: renewed } = await good(node, 'renew', {});
    expect(await call({ ...node, certificate: renewed }, 'lease', lease)).toMatchObject({ status: 200 });
  });

  it('does not after ninety days', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 90 * 86_400_000 + CERTIFICATE_LIFE_MS });
    expect(await call(node, 'renew', {})).toMatchObject({ status: 401 });
  });

  it('and all else is over for a node that was revoked', async () => {
    const revoked = await joinNode(20);
    await alterTables(foremanStub(), "UPDATE nodes SET state = 'revoked' WHERE id = ?", revoked.id);
    const refusal = { status: 403, code: 'permission_denied', error: expect.stringContaining('this node was revoked') };
    expect(await call(revoked, 'renew', {})).toMatchObject(refusal);
    expect(await call(revoked, 'lease', lease)).toMatchObject(refusal);
    expect(await call(revoked, 'report', { reports: [] })).toMatchObject(refusal);
  });
});

describe('bytes that are no message are their sender’s fault, and answered so', () => {
  const RUBBISH = [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f];
  const HALF_A_CHARACTER = [0, 0, 0, 0, 18, ...utf8ToBytes('{"slots":"\\ud800"}')];
  const ENVELOPE = [0, 0, 0, 0, RUBBISH.length, ...RUBBISH];
  it.each([
    [
      'application/proto',
      RUBBISH,
      400,
      /^\{"code":"invalid_argument","message":"expected a asu\.farm\.v1\.LeaseRequest"\}$/,
    ],
    ['Application/Proto', RUBBISH, 400, /^\{"code":"invalid_argument"/],
    ['application/grpc-web+proto', ENVELOPE, 200, /grpc-status: 3\r\n/],
    // A trailer cannot carry half a character, and Connect would quote it.
    ['application/grpc-web+json', HALF_A_CHARACTER, 200, /grpc-status: 3\r\n/],
    // Nobody has said that it is to be read as anything else than what it says it is.
    ['application/proto', RUBBISH, 501, /^\{"code":"unimplemented"/, { 'content-encoding': 'gzip' }],
  ] as const)('%s, %j', async (type, bytes, status, told, more?: Readonly<Record<string, string>>) => {
    const body = Uint8Array.from(bytes);
    const headers = await signedHeaders(node, 'POST', pathOf('lease'), sha256Hex(body));
    for (const [name, value] of Object.entries({ 'content-type': type, ...more })) headers.set(name, value);
    const response = await ask(pathOf('lease'), { method: 'POST', headers, body });
    expect(response.status).toBe(status);
    expect(new TextDecoder().decode(await response.arrayBuffer())).toMatch(told);
  });
});

test.each([
  ['an idempotency key that is too short', 'lease', { idempotencyKey: 'x' }],
  ['more than 256 reports', 'report', { reports: Array.from({ length: 257 }, () => ({ leaseId: 'x' })) }],
] as const)('a good node with %s is told what was expected', async (_, name, message) => {
  expect(await call(node, name, message)).toMatchObject({
    code: 'invalid_argument',
    error: expect.stringContaining('expected'),
  });
});
