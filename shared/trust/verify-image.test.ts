import { describe, expect, it, test } from 'vitest';
import { utf8ToBytes } from '../crypto/digest.ts';
import { signingKey } from '../crypto/ed25519.ts';
import { type Attester, ruleOf } from './attester.ts';
import type { DsseEnvelope } from './dsse.ts';
import { keyIdOf, signDsse } from './dsse.ts';
import { appendRecord, LOG_RECORD_TYPE, LOG_START } from './log-record.ts';
import { attesterOf, headOf, type Published, publication } from './provenance.fixture.ts';
import type { Provenance } from './provenance.ts';
import { edgeKey, nodeKey, ordered, otherNodeKey, output } from './statement.fixture.ts';
import { IN_TOTO_TYPE, imageStatement, subjectsOf } from './statement.ts';
import { summaryPayload } from './summary.ts';
import { type Evidence, verifyImage } from './verify-image.ts';

const IMAGE = '4'.repeat(64);
const stranger = await signingKey(new Uint8Array(32).fill(9));
const good = await publication();
/** Of the image, without the file beside it. */
const SUBJECTS = subjectsOf({ ...output, files: output.files.filter(({ name }) => name === 'image.bin') });
const elsewhere = { requestHash: '7'.repeat(64) };
const next = await publication({ last: good.place, ...elsewhere });
const after = await publication({ last: next.place, requestHash: '8'.repeat(64) });
const recordOf = ({ provenance }: Published) => provenance.log?.record as DsseEnvelope;
const whole = async (disowned: readonly string[] = []) => ({
  head: await headOf(after.place, disowned),
  behind: [recordOf(next), recordOf(after)],
});

const verdict = (fields: Partial<Evidence> = {}) =>
  verifyImage({ imageSha256: IMAGE, provenance: good.provenance, edgeKey: edgeKey.publicKey, ...fields });

/** The names of the checks that failed, and what they said. */
async function failures(fields: Partial<Evidence>): Promise<Record<string, string>> {
  const { checks } = await verdict(fields);
  return Object.fromEntries(checks.filter(({ ok }) => !ok).map(({ check, told }) => [check, told]));
}

describe('a good image', () => {
  it('passes every check by what lies beside it alone, and tells how to make it again', async () => {
    const { checks, recipe } = await verdict();
    expect(checks.map(({ check, ok }) => [check, ok])).toEqual([
      ['image', true],
      ['summary', true],
      ['statements', true],
      ['nodes', true],
      ['record', true],
    ]);
    expect(recipe).toMatchObject({
      internalParameters: { command: expect.arrayContaining(['make', 'image']), sourceDateEpoch: 1_750_000_000 },
    });
  });

  it('passes with the log up to its head', async () => {
    const { checks } = await verdict({ log: await whole() });
    expect(checks.at(-1)).toEqual({
      check: 'log',
      ok: true,
      told: 'unbroken from record 1 to 3, the head of 2025-11-13T02:14:20.000Z',
    });
    expect(checks.every(({ ok }) => ok)).toBe(true);
  });

  it('passes with a part of a long log, and says so', async () => {
    const { head } = await whole();
    const { checks } = await verdict({ log: { head, behind: [recordOf(next)], isPart: true } });
    expect(checks.at(-1)).toEqual({
      check: 'log',
      ok: true,
      told: 'unbroken from record 1 to 2, of 3; more was not asked for',
    });
    expect(await failures({ log: { head, behind: [recordOf(after)], isPart: true } })).toEqual({
      log: expect.stringContaining('expected record 2'),
    });
  });

  it.each<[string, () => Promise<Partial<Evidence>>, string]>([
    ['no log', async () => ({}), 'a trusted node; who was disowned since is not known here'],
    [
      'a head that is not believed',
      async () => ({ log: { head: await headOf(after.place, [], stranger), behind: [] } }),
      'a trusted node; who was disowned since is not known here',
    ],
    ['the log', async () => ({ log: await whole() }), 'a trusted node, none disowned since'],
    [
      'the log, and one too many that was disowned',
      async () => {
        const nodes = [...volunteers('a', 'b'), { key: stranger, attester: attesterOf(stranger, 'c', 'volunteer') }];
        const { provenance, place } = await publication({ nodes, rule: { rule: 'operators', operators: 2 } });
        return { provenance, log: { head: await headOf(place, [attesterOf(stranger).id]), behind: [] } };
      },
      '2 operators that agree; of others some were disowned since',
    ],
  ])('tells by whose word it counts, with %s', async (_, fields, told) => {
    const { checks } = await verdict(await fields());
    expect(checks.find(({ check }) => check === 'nodes')).toEqual({ check: 'nodes', ok: true, told });
  });

  it('does not pass as a file beside it, about which nodes need not agree', async () => {
    expect(await failures({ imageSha256: '5'.repeat(64) })).toEqual({
      image: expect.stringContaining('nobody vouches'),
    });
  });

  it('passes with a first-boot script by its salt', async () => {
    const { provenance } = await publication({ salt: 'd'.repeat(64) });
    expect(await failures({ provenance })).toEqual({});
  });

  it('passes on the word of two operators', async () => {
    const { provenance } = await publication({ nodes: volunteers('a', 'b') });
    expect(await failures({ provenance, log: { head: await headOf(good.place), behind: [] } })).toEqual({
      log: expect.stringContaining('record 1 is not the one that the head names'),
    });
    expect(await failures({ provenance })).toEqual({});
  });

  it('passes without a statement where the server says that there was none', async () => {
    const nodes = [{ key: nodeKey, attester: attesterOf(nodeKey) }];
    const { provenance } = await publication({ nodes, unstated: true });
    expect(provenance.statements).toEqual([]);
    expect(await failures({ provenance })).toEqual({});
    expect((await verdict({ provenance })).recipe).toBeNull();
  });
});

function volunteers(one: string, other: string) {
  return [
    { key: nodeKey, attester: attesterOf(nodeKey, one, 'volunteer') },
    { key: otherNodeKey, attester: attesterOf(otherNodeKey, other, 'volunteer') },
  ];
}

/** As the server would sign it, of whatever statements it has. */
function summaryOf(attesters: readonly Attester[], statements: readonly DsseEnvelope[]): Promise<DsseEnvelope> {
  const about = { requestHash: ordered().requestHash, subjects: SUBJECTS, attesters, rule: ruleOf(attesters) };
  return signDsse(
    edgeKey,
    IN_TOTO_TYPE,
    summaryPayload({ ...about, statements, verifier: keyIdOf(edgeKey.publicKey), verifiedAt: 0 }),
  );
}

const bent = (fields: Partial<Provenance>): Provenance => ({ ...good.provenance, ...fields });

test('a flipped byte of the image: nobody vouches for it', async () => {
  expect(await failures({ imageSha256: `5${IMAGE.slice(1)}` })).toEqual({
    image: `nobody vouches for these bytes, sha256 5${IMAGE.slice(1)}`,
  });
});

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

test('of an image that nobody signed anything of that is said', async () => {
  expect(await failures({ provenance: null })).toEqual({ summary: expect.stringContaining('there is no provenance') });
});

describe('an image that is good, and not the one that was asked for, is found', () => {
  const { requestHash: own } = ordered();

  it.each<[string, NonNullable<Evidence['asked']>, string]>([
    ['of another build', { requestHash: '7'.repeat(64), fileName: 'image.bin' }, `and not of build ${'7'.repeat(64)}`],
    ['of another build, whatever it is called', { requestHash: '7'.repeat(64) }, 'as was asked for'],
    ['of the same build, for another purpose', { requestHash: own, fileName: 'factory.bin' }, 'and not factory.bin'],
  ])('%s', async (_, asked, told) => {
    expect(await failures({ asked })).toEqual({ image: expect.stringContaining(told) });
  });

  it('and the one that was asked for passes', async () => {
    expect(await failures({ asked: { requestHash: own, fileName: 'image.bin' } })).toEqual({});
    expect(await failures({ asked: {} })).toEqual({});
  });

  it('and so does one of two names for the same bytes, each of them', async () => {
    const files = [...output.files, { name: 'other.bin', sha256: IMAGE }];
    const { provenance } = await publication({ output: { ...output, files } });
    for (const fileName of ['image.bin', 'other.bin'])
      expect(await failures({ provenance, asked: { fileName } })).toEqual({});
  });
});

describe('an image of a node that lied and was released since', () => {
  const id = attesterOf(nodeKey).id;
  const headWith = async (sequence: number, place = after.place) => ({
    head: await headOf(place, [], edgeKey, [{ node: id, sequence }]),
    behind: [recordOf(next), recordOf(after)],
  });

  it('is found where it was made before', async () => {
    expect(await failures({ log: await headWith(1) })).toEqual({
      nodes: expect.stringMatching(/disowned since; a trusted node would be needed/),
    });
  });

  it('passes where it was made after that', async () => {
    const { provenance } = next;
    const log = { head: (await headWith(1)).head, behind: [recordOf(after)] };
    expect(await failures({ provenance, log })).toEqual({});
  });

  it('is found where no record says when it was made', async () => {
    const { head } = await headWith(1);
    const provenance = { ...next.provenance, log: null };
    expect(await failures({ provenance, log: { head, behind: [] } })).toMatchObject({
      nodes: expect.stringContaining('disowned since'),
    });
  });
});

describe("a revoked node's image is found", () => {
  const id = attesterOf(nodeKey).id;

  it('where it alone vouched for it', async () => {
    expect(await failures({ log: await whole([id]) })).toEqual({
      nodes: `it was published on the word of trusted node ${id.slice(0, 12)}, disowned since; a trusted node would be needed`,
    });
  });

  it('where too few are left that agree', async () => {
    const { provenance, place } = await publication({ nodes: volunteers('a', 'b') });
    const log = { head: await headOf(place, [id]), behind: [] };
    expect(await failures({ provenance, log })).toEqual({
      nodes: expect.stringContaining('2 operators that agree would be needed'),
    });
  });

  it('and not where enough are left', async () => {
    const nodes = [
      { key: nodeKey, attester: attesterOf(nodeKey, 'a', 'volunteer') },
      { key: otherNodeKey, attester: attesterOf(otherNodeKey, 'b', 'trusted') },
    ];
    const { provenance, place } = await publication({ nodes });
    expect(await failures({ provenance, log: { head: await headOf(place, [id]), behind: [] } })).toEqual({});
  });

  it('and two nodes of one operator are one voice', async () => {
    const nodes = volunteers('a', 'a');
    const { provenance } = await publication({ nodes, rule: { rule: 'operators', operators: 2 } });
    expect(await failures({ provenance })).toEqual({
      nodes: expect.stringContaining('expected the word of 2 operators'),
    });
  });
});

describe('the log', () => {
  it.each<[string, () => Promise<Provenance>, string]>([
    ['without a record', async () => bent({ log: null }), 'has no record of the log'],
    ["with another image's", async () => bent({ log: next.provenance.log }), 'record 2 of the log is of another image'],
    [
      'with a number that is not its own',
      async () => bent({ log: { sequence: 2, record: recordOf(good) } }),
      'expected record 2 of the log, got record 1',
    ],
    [
      'with one of another server',
      async () => bent({ log: (await publication({ key: stranger })).provenance.log }),
      'not signed by the key',
    ],
    [
      'with a changed payload',
      async () => bent({ log: { sequence: 1, record: { ...recordOf(good), payload: btoa('{}') } } }),
      'not signed by the key',
    ],
    [
      'with one of other files',
      async () => bent({ log: (await publication({ output: { ...output, files: [] } })).provenance.log }),
      'names other files',
    ],
    [
      'with one of as many other files',
      async () => {
        const files = [{ name: 'image.bin', sha256: '9'.repeat(64) }];
        return bent({ log: (await publication({ output: { ...output, files } })).provenance.log });
      },
      'names other files',
    ],
    [
      'with one that calls the file something else',
      async () => {
        const files = [{ name: 'other.bin', sha256: IMAGE }];
        return bent({ log: (await publication({ output: { ...output, files } })).provenance.log });
      },
      'names other files',
    ],
    [
      'with one that names the first of its files alone',
      async () => {
        const { requestHash } = ordered();
        const attesters = [attesterOf(nodeKey)];
        const entry = { requestHash, subjects: SUBJECTS.slice(0, 1), policy: ruleOf(attesters), at: 0, salt: null };
        const { payload } = appendRecord(LOG_START, { ...entry, attesters: attesters.map(({ id }) => id) });
        const record = await signDsse(edgeKey, LOG_RECORD_TYPE, utf8ToBytes(payload));
        return bent({ log: { sequence: 1, record } });
      },
      'names other files',
    ],
    [
      'with one of other nodes',
      async () =>
        bent({
          log: (await publication({ nodes: [{ key: otherNodeKey, attester: attesterOf(otherNodeKey) }] })).provenance
            .log,
        }),
      'names other nodes',
    ],
    [
      'of an image with `defaults`, without its salt',
      async () =>
        ({ ...(await publication({ salt: 'd'.repeat(64) })).provenance, salt: undefined }) as unknown as Provenance,
      'its salt is missing',
    ],
    [
      'of an image with `defaults`, with another salt',
      async () => ({ ...(await publication({ salt: 'd'.repeat(64) })).provenance, salt: 'e'.repeat(64) }),
      'is of another image',
    ],
  ])('%s is found', async (_, provenance, told) => {
    expect(await failures({ provenance: await provenance() })).toEqual({ record: expect.stringContaining(told) });
  });

  it('that is asked for has no place to begin at without a record that is believed', async () => {
    for (const record of [null, { sequence: 1, record: recordOf(await publication({ key: stranger })) }])
      expect(await failures({ provenance: bent({ log: record }), log: await whole() })).toEqual({
        record: expect.stringMatching(/has no record of the log|is not signed by the key/),
        log: 'without a record there is no place to begin at',
      });
  });

  it.each<[string, () => Promise<Evidence['log']>, string]>([
    [
      'with a record missing behind it',
      async () => ({ ...(await whole()), behind: [null, recordOf(after)] }),
      'record 2 is missing',
    ],
    [
      'with the last one missing',
      async () => ({ ...(await whole()), behind: [recordOf(next), null] }),
      'record 3 is missing',
    ],
    [
      'with one left out',
      async () => ({ ...(await whole()), behind: [recordOf(after)] }),
      'expected record 2 behind record 1, got record 3',
    ],
    [
      'that ends too soon',
      async () => ({ ...(await whole()), behind: [recordOf(next)] }),
      'ends with record 3, and the records end with 2',
    ],
    [
      'with a changed one behind it',
      async () => {
        const changed = await publication({ last: good.place, requestHash: '6'.repeat(64) });
        return { ...(await whole()), behind: [recordOf(changed), recordOf(after)] };
      },
      'record 3 does not follow from record 2 as it is',
    ],
    [
      'with a forged one behind it',
      async () => ({ ...(await whole()), behind: [{ ...recordOf(next), payload: btoa('{}') }, recordOf(after)] }),
      'record 2 is not believed',
    ],
    [
      'with a head of another server',
      async () => ({ ...(await whole()), head: await headOf(after.place, [], stranger) }),
      'the head is not believed',
    ],
    [
      'with a head from before the image',
      async () => ({ head: await headOf({ sequence: 0, hash: '0'.repeat(64) }), behind: [] }),
      'ends with record 0',
    ],
    ['with no head', async () => ({ head: null, behind: [] }), 'the head is not believed'],
  ])('%s is found', async (_, log, told) => {
    expect(await failures({ log: (await log()) as NonNullable<Evidence['log']> })).toEqual({
      log: expect.stringContaining(told),
    });
  });
});
