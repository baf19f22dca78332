import { describe, expect, it, test } from 'vitest';
import { bytesToHex, sha256Hex } from '../crypto/digest.ts';
import { signingKey } from '../crypto/ed25519.ts';
import { signText } from '../crypto/signed-text.ts';
import {
  CERTIFICATE_LIFE_MS,
  type JoinToken,
  MAX_TOKEN_LIFE_MS,
  type NodeCertificate,
  nodeIdOf,
  signJoinToken,
  signNodeCertificate,
  verifyJoinToken,
  verifyNodeCertificate,
} from './node-identity.ts';

const now = 1_763_000_000_000;
const edge = await signingKey(new Uint8Array(32).fill(1));
const stranger = await signingKey(new Uint8Array(32).fill(2));
const node = await signingKey(new Uint8Array(32).fill(3));

const token: JoinToken = { id: '0f'.repeat(16), operator: 'op', tier: 'trusted', expiresAt: now + 1 };
const certificate: NodeCertificate = {
  nodeId: nodeIdOf(node.publicKey),
  publicKey: bytesToHex(node.publicKey),
  operator: 'op',
  tier: 'volunteer',
  expiresAt: now + 1,
};

test('a node’s id is the digest of its key', () => {
  expect(nodeIdOf(node.publicKey)).toBe(sha256Hex(node.publicKey));
});

test('a certificate lives a day, and a token for thirty at most', () => {
  expect([CERTIFICATE_LIFE_MS, MAX_TOKEN_LIFE_MS]).toEqual([86_400_000, 2_592_000_000]);
});

test.each([`0${'.'.repeat(63)}`, 'Z9_.-aZ', 'a'])('%s is the name of an operator', async (operator) => {
  const text = await signJoinToken(edge, { ...token, operator });
  expect(await verifyJoinToken(edge.publicKey, text, now)).toMatchObject({ ok: true, claim: { operator } });
});

test('what the edge issued counts until it ends', async () => {
  expect(await verifyJoinToken(edge.publicKey, await signJoinToken(edge, token), now)).toEqual({
    ok: true,
    claim: token,
  });
  expect(await verifyNodeCertificate(edge.publicKey, await signNodeCertificate(edge, certificate), now)).toEqual({
    ok: true,
    claim: certificate,
  });
});

describe('a join token is refused', () => {
  const forged = 'the join token was not issued by this edge';
  it.each<[string, string | Promise<string>, string]>([
    ['at its end', signJoinToken(edge, { ...token, expiresAt: now }), 'the join token has expired'],
    ['long after', signJoinToken(edge, { ...token, expiresAt: 1 }), 'the join token has expired'],
    ['by a stranger', signJoinToken(stranger, token), forged],
    ['that is a certificate', signNodeCertificate(edge, certificate), forged],
    ['of a shape that this edge does not issue', signText(edge, 'join-token', { ...token, id: 'short' }), forged],
    ['of an id with a digit before it', signText(edge, 'join-token', { ...token, id: `0${token.id}` }), forged],
    ['of an id with a digit behind it', signText(edge, 'join-token', { ...token, id: `${token.id}0` }), forged],
    ['of an id in capitals', signText(edge, 'join-token', { ...token, id: 'A'.repeat(32) }), forged],
    ['of an operator that begins with a dot', signText(edge, 'join-token', { ...token, operator: '.op' }), forged],
    ['of an operator too long', signText(edge, 'join-token', { ...token, operator: 'o'.repeat(65) }), forged],
    ['of an unknown tier', signText(edge, 'join-token', { ...token, tier: 'root' }), forged],
    ['of an operator with a newline', signText(edge, 'join-token', { ...token, operator: 'op\n' }), forged],
    ['without an end', signText(edge, 'join-token', { ...token, expiresAt: undefined }), forged],
    ['with an end that is a text', signText(edge, 'join-token', { ...token, expiresAt: '9e99' }), forged],
    ['that is a list', signText(edge, 'join-token', [token]), forged],
    ['that is truncated', signJoinToken(edge, token).then((text) => text.slice(0, -1)), forged],
    ['that is nothing', '', forged],
  ])('%s', async (_, text, reason) => {
    expect(await verifyJoinToken(edge.publicKey, await text, now)).toEqual({ ok: false, reason });
  });
});

describe('a node certificate is refused', () => {
  const forged = 'the node certificate was not issued by this edge';
  it.each<[string, string | Promise<string>, string]>([
    ['at its end', signNodeCertificate(edge, { ...certificate, expiresAt: now }), 'the node certificate has expired'],
    ['by a stranger', signNodeCertificate(stranger, certificate), forged],
    ['by the node itself', signNodeCertificate(node, certificate), forged],
    ['that is a join token', signJoinToken(edge, token), forged],
    ['of a node id that is none', signText(edge, 'node-certificate', { ...certificate, nodeId: 'x' }), forged],
    ...(['nodeId', 'publicKey'] as const).flatMap((field): [string, Promise<string>, string][] => [
      [
        `of a ${field} with a digit before it`,
        signText(edge, 'node-certificate', { ...certificate, [field]: `0${certificate[field]}` }),
        forged,
      ],
      [
        `of a ${field} with a digit behind it`,
        signText(edge, 'node-certificate', { ...certificate, [field]: `${certificate[field]}0` }),
        forged,
      ],
    ]),
    [
      'of a key in capitals',
      signText(edge, 'node-certificate', { ...certificate, publicKey: 'AB'.repeat(32) }),
      forged,
    ],
    ['that is nothing', '', forged],
  ])('%s', async (_, text, reason) => {
    expect(await verifyNodeCertificate(edge.publicKey, await text, now)).toEqual({ ok: false, reason });
  });
});
