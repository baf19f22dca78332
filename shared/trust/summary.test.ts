import { expect, test } from 'vitest';
import { signDsse } from './dsse.ts';
import { attesterOf } from './provenance.fixture.ts';
import { nodeKey, ordered, otherNodeKey, output } from './statement.fixture.ts';
import { IN_TOTO_TYPE, imageStatement, subjectsOf } from './statement.ts';
import { envelopeSha256, summaryPayload } from './summary.ts';

const own = await signDsse(nodeKey, IN_TOTO_TYPE, imageStatement(ordered(), output));
const about: Parameters<typeof summaryPayload>[0] = {
  requestHash: '1'.repeat(64),
  subjects: subjectsOf(output),
  attesters: [attesterOf(nodeKey)],
  rule: { rule: 'trusted', operators: 1 },
  statements: [own],
  verifier: 'e'.repeat(64),
  verifiedAt: 1_763_000_060_000,
};
const written = (fields: Partial<typeof about> = {}) =>
  JSON.parse(new TextDecoder().decode(summaryPayload({ ...about, ...fields }))) as Record<string, unknown>;

test('a summary says who checked what, when, and by which rule it was enough', () => {
  expect(written()).toEqual({
    _type: 'https://in-toto.io/Statement/v1',
    subject: subjectsOf(output),
    predicateType: 'https://slsa.dev/verification_summary/v1',
    predicate: {
      verifier: { id: `asu:edge:${'e'.repeat(64)}` },
      timeVerified: '2025-11-13T02:14:20.000Z',
      resourceUri: `asu:image:${'1'.repeat(64)}`,
      policy: { uri: 'asu:policy:trusted:1' },
      inputAttestations: [{ digest: { sha256: envelopeSha256(own) } }],
      verificationResult: 'PASSED',
      verifiedLevels: ['SLSA_BUILD_LEVEL_1'],
      slsaVersion: '1.0',
      asu_attesters: [attesterOf(nodeKey)],
      asu_rule: { rule: 'trusted', operators: 1 },
    },
  });
});

test.each([
  ['each has one', [own], [attesterOf(nodeKey)], 'SLSA_BUILD_LEVEL_1'],
  ['one has none', [own], [attesterOf(nodeKey), attesterOf(otherNodeKey)], 'SLSA_BUILD_LEVEL_UNEVALUATED'],
])('of its nodes %s: the level is %s', (_, statements, attesters, level) => {
  expect(written({ statements, attesters })).toMatchObject({ predicate: { verifiedLevels: [level] } });
});

test('a statement has the same name however its envelope is spelled, and another for another signature', () => {
  const [{ keyid = '', sig = '' } = {}] = own.signatures;
  const spelled = {
    more: 1,
    signatures: [{ sig, keyid, more: 1 }],
    payload: own.payload,
    payloadType: own.payloadType,
  };
  expect(envelopeSha256(spelled)).toBe(envelopeSha256(own));
  for (const other of [
    { ...own, signatures: [{ keyid, sig: `A${sig.slice(1)}` }] },
    { ...own, signatures: [{ keyid: '0'.repeat(64), sig }] },
    { ...own, payload: `A${own.payload.slice(1)}` },
    { ...own, payloadType: 'text/plain' },
    { ...own, signatures: [] },
  ])
    expect(envelopeSha256(other)).not.toBe(envelopeSha256(own));
});
