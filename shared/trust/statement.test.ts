import { describe, expect, it, test } from 'vitest';
import { buildRecord } from '../build/build-record.fixture.ts';
import { sha256Hex, utf8ToBytes } from '../crypto/digest.ts';
import { checkStatement } from './check-statement.ts';
import { signDsse } from './dsse.ts';
import { statedRequest } from './stated-request.ts';
import { nodeKey, ordered, otherNodeKey, output } from './statement.fixture.ts';
import {
  failureStatement,
  IN_TOTO_TYPE,
  imageStatement,
  manifestSha256,
  type OrderedBuild,
  provenanceStatementSchema,
} from './statement.ts';

const textOf = (payload: Uint8Array): string => new TextDecoder().decode(payload);
const parsed = (payload: Uint8Array) => JSON.parse(textOf(payload));
const { request } = buildRecord();

describe('a statement', () => {
  it('is an in-toto statement with SLSA provenance, and says what to do to check it at home', () => {
    expect(parsed(imageStatement(ordered(), output))).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [
        { name: 'image.bin', digest: { sha256: '4'.repeat(64) } },
        { name: 'profiles.json', digest: { sha256: '5'.repeat(64) } },
        { name: 'asu:manifest', digest: { sha256: sha256Hex('{"base-files":"1638","vim":"9.1"}') } },
      ],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          buildType: 'asu:imagebuilder:1',
          externalParameters: {
            request: {
              distro: 'openwrt',
              version: '24.10.2',
              target: 'ath79/generic',
              profile: 'glinet_gl-ar150',
              addPackages: ['luci', 'vim'],
              removePackages: ['ppp'],
              rootfsSizeMb: null,
              filesystem: null,
              repositories: [],
              repositoriesMode: 'append',
              repositoryKeys: [],
              firstBootScript: false,
            },
          },
          internalParameters: {
            requestHash: '1'.repeat(64),
            revision: 'r28427-6df0e3d02a',
            sourceDateEpoch: 1_750_000_000,
            command: [
              'make',
              'image',
              'PROFILE=glinet_gl-ar150',
              'PACKAGES=luci vim -ppp',
              'BIN_DIR=bin',
              'EXTRA_IMAGE_NAME=111111111111',
            ],
          },
          resolvedDependencies: [
            { name: 'imagebuilder', uri: 'https://mirror.example/ib.tar.zst', digest: { sha256: 'a'.repeat(64) } },
            { name: 'feed:target', digest: { sha256: 'b'.repeat(64) } },
            { name: 'feed:base', digest: { sha256: 'c'.repeat(64) } },
          ],
        },
        runDetails: {
          builder: { id: `asu:node:${ordered().nodeId}` },
          metadata: { invocationId: 'lease-1' },
        },
      },
    });
  });

  it('fits the shape that readers of it check', () => {
    expect(provenanceStatementSchema.safeParse(parsed(imageStatement(ordered(), output))).error).toBeUndefined();
  });

  it('is the same bytes whatever order files and packages come in, in every runtime', () => {
    const shuffled = {
      ...output,
      files: output.files.toReversed(),
      manifest: Object.fromEntries(Object.entries(output.manifest).reverse()),
    };
    const payload = imageStatement(ordered(), shuffled);
    expect(payload).toEqual(imageStatement(ordered(), output));
    expect(sha256Hex(payload)).toBe('396fd5fb4e3280f3f4815f554460a64da3611245b1717c7e83833cdc704754df');
  });

  it('tells of a first-boot script that there was one, and nothing that it could be found out by', () => {
    const mac = 'f00d'.repeat(16);
    const build = ordered({ request: statedRequest({ ...request, defaultsMac: mac }) });
    const text = textOf(imageStatement(build, output)) + textOf(failureStatement(build, 'build_failed'));
    expect(text).toContain('"firstBootScript":true');
    expect(text).toContain('"FILES=files"');
    expect(text).not.toContain('f00d');
    expect(text).not.toMatch(/defaults/i);
  });

  it('of a failure names the request and what was said of it', () => {
    expect(parsed(failureStatement(ordered(), 'conflict'))).toMatchObject({
      subject: [{ name: 'asu:request', digest: { sha256: '1'.repeat(64) } }],
      predicateType: 'asu:build-failure:1',
      predicate: { failure: { kind: 'conflict' }, runDetails: { metadata: { invocationId: 'lease-1' } } },
    });
  });

  it.each<[string, Partial<OrderedBuild>]>([
    ['the request hash', { requestHash: '2'.repeat(64) }],
    ['the lease', { leaseId: 'lease-2' }],
    ['the node', { nodeId: '3'.repeat(64) }],
    ['the revision', { pins: { ...ordered().pins, revision: 'r1-a' } }],
    ['the ImageBuilder', { pins: { ...ordered().pins, imageBuilder: { url: 'https://x/', sha256: 'd'.repeat(64) } } }],
    ['a feed', { pins: { ...ordered().pins, feeds: [] } }],
    ...Object.entries({
      distro: 'x',
      version: 'x',
      target: 'x',
      profile: 'x',
      addPackages: [],
      removePackages: [],
      rootfsSizeMb: 1,
      filesystem: 'ext4',
      repositories: ['a https://x/'],
      repositoriesMode: 'replace',
      repositoryKeys: ['k'],
      defaultsMac: 'x',
    }).map(([name, value]): [string, Partial<OrderedBuild>] => [
      name,
      { request: statedRequest({ ...request, [name]: value }) },
    ]),
  ])('is another one with another value of %s', (_, fields) => {
    expect(textOf(imageStatement(ordered(fields), output))).not.toBe(textOf(imageStatement(ordered(), output)));
    expect(textOf(failureStatement(ordered(fields), 'conflict'))).not.toBe(
      textOf(failureStatement(ordered(), 'conflict')),
    );
  });
});

test('the digest of a manifest is of its packages and their versions alone', () => {
  expect(manifestSha256({ b: '2', a: '1' })).toBe(manifestSha256({ a: '1', b: '2' }));
  expect(manifestSha256({ a: '1', b: '2' })).not.toBe(manifestSha256({ a: '12', b: '' }));
});

describe('the edge', () => {
  const expected = imageStatement(ordered(), output);
  const trusted = { publicKey: hexOf(nodeKey.publicKey), tier: 'trusted' } as const;
  const volunteer = { ...trusted, tier: 'volunteer' } as const;
  const signed = async (payload: Uint8Array, { key = nodeKey, type = IN_TOTO_TYPE } = {}) =>
    utf8ToBytes(JSON.stringify(await signDsse(key, type, payload)));
  const NOTHING = new Uint8Array();

  it.each([trusted, volunteer])('believes an honest statement: %o', async (node) => {
    const check = await checkStatement(await signed(expected), expected, node);
    expect(check).toMatchObject({ ok: true, envelope: { payloadType: IN_TOTO_TYPE } });
  });

  it('takes the word of a trusted node of the protocol before without one', async () => {
    expect(await checkStatement(NOTHING, expected, trusted)).toEqual({ ok: true, envelope: null });
  });

  it.each<[string, () => Promise<Uint8Array>, string]>([
    ['nothing, from a volunteer', async () => NOTHING, 'no signed statement'],
    ['no envelope', async () => utf8ToBytes('{}'), 'the envelope is none'],
    ['an envelope of something else', () => signed(expected, { type: 'text/plain' }), 'holds "text/plain"'],
    ["another node's", () => signed(expected, { key: otherNodeKey }), 'not signed by the key of this node'],
    [
      "another node's under this one's name",
      async () => {
        const envelope = await signDsse(otherNodeKey, IN_TOTO_TYPE, expected);
        const own = await signDsse(nodeKey, IN_TOTO_TYPE, expected);
        const [{ sig = '' } = {}] = envelope.signatures;
        return utf8ToBytes(JSON.stringify({ ...envelope, signatures: [{ keyid: own.signatures[0]?.keyid, sig }] }));
      },
      'not signed by the key of this node',
    ],
    [
      'one of another lease',
      () => signed(imageStatement(ordered({ leaseId: 'lease-0' }), output)),
      'not about this lease',
    ],
    [
      'one of other bytes',
      () => signed(imageStatement(ordered(), { ...output, files: [{ name: 'image.bin', sha256: '0'.repeat(64) }] })),
      'not about this lease and its files',
    ],
    [
      'one that says the same in other words',
      () => signed(utf8ToBytes(` ${textOf(expected)}`)),
      'not about this lease',
    ],
    [
      'one that says more',
      () => signed(utf8ToBytes(textOf(expected).replace(/}$/, ',"more":1}'))),
      'not about this lease',
    ],
    ['half of one', () => signed(expected.subarray(0, 100)), 'not about this lease'],
    ['one of a failure', () => signed(failureStatement(ordered(), 'conflict')), 'not about this lease'],
  ])('does not believe %s', async (_, bytes, reason) => {
    const check = await checkStatement(await bytes(), expected, volunteer);
    expect(check.ok ? 'believed' : check.reason).toContain(reason);
  });

  const a = (count: number) => 'a'.repeat(count);
  it.each<[situation: string, said: string, expected: string, told: string]>([
    ['at its beginning', 'X', 'Y', 'expected "Y", got "X"'],
    [
      'far behind it',
      `${a(30)}X${a(60)}`,
      `${a(30)}Y${a(60)}`,
      `expected "${a(24)}Y${a(39)}", got "${a(24)}X${a(39)}"`,
    ],
    ['at its end, where more was expected', a(30), `${a(30)}Y`, `expected "${a(24)}Y", got "${a(24)}"`],
    ['at its end, where less was', `${a(30)}X`, a(30), `expected "${a(24)}", got "${a(24)}X"`],
  ])('tells where a statement differs %s', async (_, said, wanted, told) => {
    const check = await checkStatement(await signed(utf8ToBytes(said)), utf8ToBytes(wanted), volunteer);
    expect(check).toEqual({
      ok: false,
      reason: `the statement is not about this lease and its files: ${told}`,
    });
  });
});

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
