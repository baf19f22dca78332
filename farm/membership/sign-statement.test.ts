import { expect, it, test } from 'vitest';
import { BUILD_ERRORS, type BuildErrorKind } from '../../shared/build/build-error.ts';
import { bytesToHex } from '../../shared/crypto/digest.ts';
import { signingKey } from '../../shared/crypto/ed25519.ts';
import { type BuildOrder, RepositoriesMode } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { nodeIdOf } from '../../shared/node/node-identity.ts';
import { normalizedRequest } from '../../shared/request/normalized-request.fixture.ts';
import { checkStatement } from '../../shared/trust/check-statement.ts';
import { openDsseBytes } from '../../shared/trust/dsse.ts';
import { rebuildCommand } from '../../shared/trust/rebuild-command.ts';
import { statedRequest } from '../../shared/trust/stated-request.ts';
import { failureStatement, IN_TOTO_TYPE, imageStatement, type OrderedBuild } from '../../shared/trust/statement.ts';
import type { BuildOutput } from '../agent/build-event.ts';
import { testOrder } from '../build/test-order.fixture.ts';
import { commandForReading } from '../imagebuilder/arguments.ts';
import { signFailureStatement, signImageStatement } from './sign-statement.ts';

const key = await signingKey(new Uint8Array(32).fill(4));
const node = { publicKey: bytesToHex(key.publicKey), tier: 'volunteer' } as const;

const full = testOrder({
  rootfsSizeMb: 256,
  filesystem: 'squashfs',
  feeds: [{ name: 'base', sha256: 'b'.repeat(64) }],
  repositories: [{ name: 'mine', url: 'https://feeds.example/x' }],
  repositoriesMode: RepositoriesMode.REPLACE,
  repositoryKeys: ['a key'],
  defaults: 'passwd: hunter2',
});

/** What the edge would say of the same order. */
const ordered = (
  more: Partial<OrderedBuild['request']> = {},
  feeds: OrderedBuild['pins']['feeds'] = [],
): OrderedBuild => ({
  requestHash: '0123456789abcdef'.repeat(4),
  leaseId: 'lease-1',
  nodeId: nodeIdOf(key.publicKey),
  request: {
    ...statedRequest(
      normalizedRequest({
        target: 'ath79/generic',
        profile: 'acme_x1',
        addPackages: ['vim'],
        removePackages: ['ppp'],
      }),
    ),
    ...more,
  },
  pins: {
    revision: 'r28739-d9340319c6',
    imageBuilder: { url: 'https://mirror.example/ib.tar.zst', sha256: 'a'.repeat(64) },
    feeds,
  },
});

const fullOrdered = ordered(
  {
    rootfsSizeMb: 256,
    filesystem: 'squashfs',
    repositories: ['mine https://feeds.example/x'],
    repositoriesMode: 'replace',
    repositoryKeys: ['a key'],
    firstBootScript: true,
  },
  [{ name: 'base', sha256: 'b'.repeat(64) }],
);

const output = (profilesJson: string): BuildOutput => ({
  files: [{ name: 'x.bin', path: '/secret/place/x.bin', sizeBytes: 1, sha256: 'c'.repeat(64) }],
  images: [],
  manifest: { vim: '9' },
  profilesJson,
  buildCommand: [],
  circumstances: { sandbox: '', imageBuilderSignedBy: '' },
  durationMs: 1,
});

test.each<[string, BuildOrder, OrderedBuild, string, number]>([
  ['with little', testOrder(), ordered(), '{"source_date_epoch":1750000000}', 1_750_000_000],
  ['with everything', full, fullOrdered, '{"source_date_epoch":7}', 7],
  ['of an ImageBuilder that tells no date', testOrder(), ordered(), '{}', 0],
])('of an order %s a node signs what the edge expects', async (_, order, build, profilesJson, sourceDateEpoch) => {
  const statement = await signImageStatement(key, order, output(profilesJson));
  const expected = imageStatement(build, {
    files: [{ name: 'x.bin', sha256: 'c'.repeat(64) }],
    manifest: { vim: '9' },
    sourceDateEpoch,
  });
  expect(await checkStatement(statement, expected, node)).toMatchObject({ ok: true });
  const failed = await signFailureStatement(key, order, { kind: 'conflict' });
  expect(await checkStatement(failed, failureStatement(build, 'conflict'), node)).toMatchObject({ ok: true });
});

test('a statement holds nothing of the first-boot script, and no path of the machine', async () => {
  const signed = openDsseBytes(await signImageStatement(key, full, output('{}')), IN_TOTO_TYPE);
  const text = signed.ok ? new TextDecoder().decode(signed.value.payload) : '';
  expect(text).toContain('x.bin');
  expect(text).not.toMatch(/hunter2|passwd|secret/);
});

it.each(Object.keys(BUILD_ERRORS) as BuildErrorKind[])(
  'a failure of kind %s has a statement where it decides',
  async (kind) => {
    const statement = await signFailureStatement(key, testOrder(), { kind });
    expect(statement.length > 0).toBe(BUILD_ERRORS[kind].retry === 'never');
  },
);

test.each([
  [ordered(), undefined, ''],
  [fullOrdered, 256, 'files'],
])('the recipe of a statement is the command that is run', ({ request, requestHash }, rootfsSizeMb, filesDirectory) => {
  const wishes = {
    ...request,
    rootfsSizeMb,
    filesDirectory,
    binDirectory: '/x',
    extraImageName: requestHash.slice(0, 12),
  };
  expect(rebuildCommand(request, requestHash)).toEqual(commandForReading(wishes));
});
