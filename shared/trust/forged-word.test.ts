/** Words about an image that nobody said, or not so: those of its nodes, and the server’s summary of them. */
import { describe, expect, it } from 'vitest';
import { utf8ToBytes } from '../crypto/digest.ts';
import { type DsseEnvelope, signDsse } from './dsse.ts';
import { attesterOf, publication } from './provenance.fixture.ts';
import type { Provenance } from './provenance.ts';
import { edgeKey, nodeKey, ordered, otherNodeKey, output } from './statement.fixture.ts';
import { IN_TOTO_TYPE, imageStatement } from './statement.ts';
import { bent, elsewhere, failures, good, IMAGE, next, stranger, summaryOf } from './verify-image.fixture.ts';

describe('a forged statement is found', () => {
  const payload = imageStatement(ordered(), output);
  const lie = imageStatement(ordered(), { ...output, files: [{ name: 'image.bin', sha256: '9'.repeat(64) }] });
  const [own] = good.provenance.statements as [DsseEnvelope];

  it.each<[string, () => Promise<Provenance>, string]>([
    [
      'signed by a stranger',
      async () => bent({ statements: [await signDsse(stranger, IN_TOTO_TYPE, payload)] }),
      'its statement is missing',
    ],
    [
      "signed by a stranger in the node's name",
      async () => {
        const [signature] = (await signDsse(stranger, IN_TOTO_TYPE, payload)).signatures;
        return bent({
          statements: [{ ...own, signatures: [{ keyid: own.signatures[0]?.keyid ?? '', sig: signature?.sig ?? '' }] }],
        });
      },
      'not the one that the server has seen',
    ],
    [
      'with a changed payload',
      async () => bent({ statements: [{ ...own, payload: btoa('{}') }] }),
      'not the one that the server has seen',
    ],
    [
      'of other files, by the node itself',
      async () => bent({ statements: [await signDsse(nodeKey, IN_TOTO_TYPE, lie)] }),
      'not the one that the server has seen',
    ],
    ['taken away', async () => bent({ statements: [] }), 'its statement is missing'],
    [
      'added',
      async () => bent({ statements: [own, await signDsse(stranger, IN_TOTO_TYPE, payload)] }),
      'expected 1 of them, got 2',
    ],
    [
      'added, by the node itself',
      async () => bent({ statements: [own, await signDsse(nodeKey, IN_TOTO_TYPE, lie)] }),
      'expected 1 of them, got 2',
    ],
    [
      'of one node twice, where those of two are promised',
      async () => {
        const [node, other] = [nodeKey, otherNodeKey].map((key) => attesterOf(key));
        if (!node || !other) throw new Error('expected two nodes');
        const nodes = [node, other].map((attester) => ({ key: nodeKey, attester }));
        return (await publication({ nodes })).provenance;
      },
      `trusted node ${attesterOf(otherNodeKey).id.slice(0, 12)}: its statement is missing`,
    ],
    [
      'taken away, where the server says that another node has none',
      async () => {
        const attesters = [nodeKey, otherNodeKey].map((key) => attesterOf(key));
        const { provenance } = await publication({ nodes: attesters.map((attester) => ({ key: nodeKey, attester })) });
        return { ...provenance, statements: [], summary: await summaryOf(attesters, [own]) };
      },
      [nodeKey, otherNodeKey]
        .map((key) => `trusted node ${attesterOf(key).id.slice(0, 12)}: its statement is missing`)
        .join('; '),
    ],
    [
      'that the server took, and that says something else',
      async () => (await publication({ statement: lie })).provenance,
      'about other files',
    ],
    [
      'that the server took, and that calls the file something else',
      async () => {
        const files = output.files.map((file) => (file.sha256 === IMAGE ? { ...file, name: 'other.bin' } : file));
        return (await publication({ statement: imageStatement(ordered(), { ...output, files }) })).provenance;
      },
      'about other files',
    ],
    [
      "that the server took, signed by a stranger in the node's name",
      async () => {
        const [{ sig = '' } = {}] = (await signDsse(stranger, IN_TOTO_TYPE, payload)).signatures;
        const forged = { ...own, signatures: own.signatures.map(({ keyid }) => ({ keyid, sig })) };
        return { ...good.provenance, statements: [forged], summary: await summaryOf([attesterOf(nodeKey)], [forged]) };
      },
      'its statement is not believed: it is not signed by the key that it should be',
    ],
    [
      'that the server took, and that is of another image',
      async () => (await publication({ statement: imageStatement(ordered(elsewhere), output) })).provenance,
      'about another image',
    ],
    [
      'that the server took, and that names another node',
      async () =>
        (await publication({ statement: imageStatement(ordered({ nodeId: 'f'.repeat(64) }), output) })).provenance,
      'names another node',
    ],
    [
      'by a key that is not the one of its name',
      async () => {
        const attester = { ...attesterOf(nodeKey), publicKey: attesterOf(stranger).publicKey };
        return (await publication({ nodes: [{ key: nodeKey, attester }] })).provenance;
      },
      'its key is not the one that its name is made of',
    ],
  ])('%s', async (_, provenance, told) => {
    expect(await failures({ provenance: await provenance() })).toEqual({ statements: expect.stringContaining(told) });
  });
});

describe('a summary is not believed', () => {
  it.each<[string, () => Promise<Provenance>, string]>([
    ['of another server', async () => (await publication({ key: stranger })).provenance, 'not signed by the key'],
    [
      'of another image',
      async () => bent({ summary: next.provenance.summary }),
      'of another image than the provenance',
    ],
    [
      'that is a statement',
      async () => bent({ summary: good.provenance.statements[0] as DsseEnvelope }),
      'not signed by the key',
    ],
    [
      'that nobody understands',
      async () => bent({ summary: await signDsse(edgeKey, IN_TOTO_TYPE, utf8ToBytes('{')) }),
      'not understood',
    ],
    [
      'of a shape that is newer',
      async () => bent({ summary: await signDsse(edgeKey, IN_TOTO_TYPE, utf8ToBytes('{"_type":"2"}')) }),
      'what it says is not understood here (_type)',
    ],
  ])('%s, and nothing is that hangs on it', async (_, provenance, told) => {
    expect(await failures({ provenance: await provenance() })).toMatchObject({
      image: expect.stringContaining('nobody vouches'),
      summary: expect.stringContaining(told),
      statements: expect.stringContaining('without a summary'),
      nodes: expect.stringContaining('without a summary'),
      record: expect.stringMatching(/^(?:without a summary|the record is not believed: it is not signed by the key)/),
    });
  });

  it.each([[], {}, { ...good.provenance, statements: [{}] }, { ...good.provenance, more: 1 }])(
    'and %j is no provenance',
    async (provenance) => {
      expect(await failures({ provenance })).toEqual({ summary: expect.stringContaining('this is no provenance') });
    },
  );
});
