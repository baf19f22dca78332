/** What is read of a summary, a statement and a provenance: member by member, up to each limit and no further. */
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { buildRecord } from '../build/build-record.fixture.ts';
import { attesterOf, publication } from './provenance.fixture.ts';
import { provenanceSchema } from './provenance.ts';
import { statedRequest } from './stated-request.ts';
import { nodeKey, ordered, output } from './statement.fixture.ts';
import { imageStatement, provenanceStatementSchema } from './statement.ts';
import { summarySchema } from './summary.ts';

const many = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value);
const payloadOf = (payload: string): unknown => JSON.parse(atob(payload));

const { provenance } = await publication({ salt: 'd'.repeat(64) });
const [envelope] = provenance.statements;
const statement: unknown = JSON.parse(new TextDecoder().decode(imageStatement(ordered(), output)));
const summary = payloadOf(provenance.summary.payload);

/** The same with another value at that place. */
function changed(value: unknown, [name, ...rest]: readonly string[], to: unknown): unknown {
  if (name === undefined) return to;
  if (Array.isArray(value)) return value.map((item, at) => (String(at) === name ? changed(item, rest, to) : item));
  const members = value as Record<string, unknown>;
  return { ...members, [name]: changed(members[name], rest, to) };
}

const subject = { name: 'x', digest: { sha256: '0'.repeat(64) } };
const attestation = { digest: { sha256: '0'.repeat(64) } };
const dependency = { name: 'd', digest: { sha256: '0'.repeat(64) } };

interface Shape {
  readonly schema: z.ZodType;
  readonly good: unknown;
  readonly read: readonly (readonly [path: string, value: unknown])[];
  readonly refused: readonly (readonly [path: string, value: unknown])[];
  /** Places with members of which none may be unknown. */
  readonly strict: readonly string[];
}

const REQUEST = 'predicate.buildDefinition.externalParameters.request';
const INTERNAL = 'predicate.buildDefinition.internalParameters';
const DEPENDENCIES = 'predicate.buildDefinition.resolvedDependencies';
const WORDS = ['distro', 'version', 'target', 'profile', 'filesystem'];
const LISTS = ['addPackages', 'removePackages', 'repositories', 'repositoryKeys'];

const SHAPES: readonly (readonly [name: string, shape: Shape])[] = [
  [
    'a summary',
    {
      schema: summarySchema,
      good: summary,
      read: [
        ['subject', many(129, subject)],
        ['subject.0.name', 'n'.repeat(256)],
        ['predicate.verifier.id', 'v'.repeat(128)],
        ['predicate.resourceUri', 'u'.repeat(128)],
        ['predicate.policy.uri', 'u'.repeat(128)],
        ['predicate.inputAttestations', []],
        ['predicate.inputAttestations', many(64, attestation)],
        ['predicate.verifiedLevels', many(8, 'l'.repeat(64))],
        ['predicate.slsaVersion', '1'.repeat(16)],
        ['predicate.asu_attesters', many(64, attesterOf(nodeKey))],
        ['predicate.asu_attesters.0.tier', 'volunteer'],
        ['predicate.asu_attesters.0.operator', '0123456789abcdef'],
        ['predicate.asu_rule', { rule: 'operators', operators: 1 }],
        ['predicate.asu_rule', { rule: 'operators', operators: 64 }],
      ],
      refused: [
        ['_type', 'https://in-toto.io/Statement/v2'],
        ['subject', []],
        ['subject', many(130, subject)],
        ['subject.0.name', ''],
        ['subject.0.name', 'n'.repeat(257)],
        ['subject.0.digest.sha256', '0'.repeat(63)],
        ['subject.0.digest.sha256', 'F'.repeat(64)],
        ['predicateType', 'https://slsa.dev/provenance/v1'],
        ['predicate.verifier.id', 'v'.repeat(129)],
        ['predicate.timeVerified', 'yesterday'],
        ['predicate.resourceUri', 'u'.repeat(129)],
        ['predicate.policy.uri', 'u'.repeat(129)],
        ['predicate.inputAttestations', many(65, attestation)],
        ['predicate.inputAttestations.0.digest.sha256', '0'],
        ['predicate.verificationResult', 'FAILED'],
        ['predicate.verifiedLevels', many(9, '')],
        ['predicate.verifiedLevels', ['l'.repeat(65)]],
        ['predicate.slsaVersion', '1'.repeat(17)],
        ['predicate.asu_attesters', []],
        ['predicate.asu_attesters', many(65, attesterOf(nodeKey))],
        ['predicate.asu_attesters.0.id', 'x'],
        ['predicate.asu_attesters.0.publicKey', 'x'],
        ['predicate.asu_attesters.0.tier', 'owner'],
        ['predicate.asu_attesters.0.operator', 'a'.repeat(15)],
        ['predicate.asu_attesters.0.operator', 'a'.repeat(17)],
        ['predicate.asu_attesters.0.operator', `x${'a'.repeat(16)}`],
        ['predicate.asu_attesters.0.operator', `${'a'.repeat(16)}x`],
        ['predicate.asu_rule', { rule: 'anyone', operators: 1 }],
        ['predicate.asu_rule', { rule: 'operators', operators: 0 }],
        ['predicate.asu_rule', { rule: 'operators', operators: 65 }],
        ['predicate.asu_rule', { rule: 'operators', operators: 1.5 }],
      ],
      strict: [
        '',
        'subject.0.',
        'subject.0.digest.',
        'predicate.',
        'predicate.verifier.',
        'predicate.policy.',
        'predicate.inputAttestations.0.',
        'predicate.inputAttestations.0.digest.',
        'predicate.asu_attesters.0.',
        'predicate.asu_rule.',
      ],
    },
  ],
  [
    'a statement',
    {
      schema: provenanceStatementSchema,
      good: statement,
      read: [
        ...WORDS.map((name) => [`${REQUEST}.${name}`, 'w'.repeat(1024)] as const),
        ...LISTS.map((name) => [`${REQUEST}.${name}`, many(4_000, 'w')] as const),
        ...LISTS.map((name) => [`${REQUEST}.${name}`, ['w'.repeat(1024)]] as const),
        [`${REQUEST}.rootfsSizeMb`, 512],
        [`${REQUEST}.rootfsSizeMb`, null],
        [`${REQUEST}.filesystem`, null],
        [`${REQUEST}.repositoriesMode`, 'replace'],
        [`${REQUEST}.firstBootScript`, true],
        [`${INTERNAL}.revision`, 'r'.repeat(2048)],
        [`${INTERNAL}.sourceDateEpoch`, 0],
        [`${INTERNAL}.command`, many(16, 'c')],
        [`${INTERNAL}.command`, ['c'.repeat(131_072)]],
        [DEPENDENCIES, [dependency]],
        [DEPENDENCIES, many(65, dependency)],
        [`${DEPENDENCIES}.0.name`, 'n'.repeat(2048)],
        [`${DEPENDENCIES}.0.uri`, 'u'.repeat(2048)],
        [`${DEPENDENCIES}.0.uri`, undefined],
        ['predicate.runDetails.builder.id', 'b'.repeat(2048)],
        ['predicate.runDetails.metadata.invocationId', 'i'.repeat(2048)],
      ],
      refused: [
        ['_type', 'https://in-toto.io/Statement/v2'],
        ['subject', []],
        ['predicateType', 'asu:build-failure:1'],
        ['predicate.buildDefinition.buildType', 'asu:imagebuilder:2'],
        ...WORDS.map((name) => [`${REQUEST}.${name}`, 'w'.repeat(1025)] as const),
        ...LISTS.map((name) => [`${REQUEST}.${name}`, ['w'.repeat(1025)]] as const),
        ...LISTS.map((name) => [`${REQUEST}.${name}`, many(4_001, 'w')] as const),
        ...WORDS.slice(0, -1).map((name) => [`${REQUEST}.${name}`, null] as const),
        [`${REQUEST}.rootfsSizeMb`, 0.5],
        [`${REQUEST}.repositoriesMode`, ''],
        [`${REQUEST}.firstBootScript`, 'reboot'],
        [`${INTERNAL}.requestHash`, '1'.repeat(63)],
        [`${INTERNAL}.revision`, 'r'.repeat(2049)],
        [`${INTERNAL}.sourceDateEpoch`, -1],
        [`${INTERNAL}.command`, many(17, 'c')],
        [`${INTERNAL}.command`, ['c'.repeat(131_073)]],
        [DEPENDENCIES, []],
        [DEPENDENCIES, many(66, dependency)],
        [`${DEPENDENCIES}.0.name`, 'n'.repeat(2049)],
        [`${DEPENDENCIES}.0.uri`, 'u'.repeat(2049)],
        [`${DEPENDENCIES}.0.digest.sha256`, ''],
        ['predicate.runDetails.builder.id', 'b'.repeat(2049)],
        ['predicate.runDetails.metadata.invocationId', 'i'.repeat(2049)],
      ],
      strict: [
        '',
        'subject.0.',
        'subject.0.digest.',
        'predicate.',
        'predicate.buildDefinition.',
        'predicate.buildDefinition.externalParameters.',
        `${REQUEST}.`,
        `${INTERNAL}.`,
        `${DEPENDENCIES}.0.`,
        `${DEPENDENCIES}.0.digest.`,
        'predicate.runDetails.',
        'predicate.runDetails.builder.',
        'predicate.runDetails.metadata.',
      ],
    },
  ],
  [
    'a provenance',
    {
      schema: provenanceSchema,
      good: provenance,
      read: [
        ['statements', []],
        ['statements', many(64, envelope)],
        ['salt', undefined],
        ['log', null],
        ['log.sequence', 1],
      ],
      refused: [
        ['request_hash', '1'],
        ['statements', many(65, envelope)],
        ['summary', null],
        ['salt', 'd'],
        ['log', undefined],
        ['log.sequence', 0],
        ['log.sequence', 1.5],
        ['log.record', null],
      ],
      strict: ['', 'statements.0.', 'summary.', 'log.', 'log.record.'],
    },
  ],
];

describe.each(SHAPES)('%s', (_name, { schema, good, read, refused, strict }) => {
  const isRead = (path: string, value: unknown): boolean =>
    schema.safeParse(changed(good, path.split('.'), value)).success;

  it('is read as it is written', () => {
    expect(schema.parse(good)).toEqual(good);
  });

  const titled = (rows: Shape['read']) =>
    rows.map(([path, value]) => [path, JSON.stringify(value)?.slice(0, 40), value] as const);

  it.each(titled(read))('may have as %s: %s', (path, _, value) => {
    expect(isRead(path, value)).toBe(true);
  });

  it.each(titled(refused))('may not have as %s: %s', (path, _, value) => {
    expect(isRead(path, value)).toBe(false);
  });

  it.each(strict)('may not have members that nobody knows: %smore', (place) => {
    expect(isRead(`${place}more`, 1)).toBe(false);
  });
});

it('is signed as what in-toto calls it', () => {
  for (const { payloadType } of [provenance.summary, ...provenance.statements])
    expect(payloadType).toBe('application/vnd.in-toto+json');
});

it('tells of a request what stands in this list, and never its first-boot script', () => {
  const { request } = buildRecord();
  const { defaultsMac: _, ...told } = request;
  const more = { ...request, defaultsMac: 'f00d', secret: 'x' };
  expect(statedRequest(more)).toEqual({ ...told, firstBootScript: true });
  expect(statedRequest({ ...request, defaultsMac: '' })).toEqual({ ...told, firstBootScript: false });
});
