/**
 * What Foremen of each time wrote, by the migration since which it is written so: a database that is saved at a later one has gone
 * through all of these. A new migration needs nothing here; what code writes differently since then may be added as a row.
 */
import { requestEcho } from '../../shared/build/build-record.fixture.ts';
import type { BuildRecord, FailureRecord, Pins } from '../../shared/build/build-record.ts';
import { sha256Hex, utf8ToBytes } from '../../shared/crypto/digest.ts';
import { intentHash, requestHash } from '../../shared/request/intent.ts';
import { normalizedRequest } from '../../shared/request/normalized-request.fixture.ts';

export interface SavedRow {
  /** Tag of the migration. */
  readonly since: string;
  readonly table: string;
  /** Column → value; objects as JSON. */
  readonly row: Readonly<Record<string, unknown>>;
}

export const FILE = 'x-squashfs-combined.img.gz';
export const TEXT = 'an image';
const SIZE = utf8ToBytes(TEXT).length;
const IMAGE = { name: FILE, sizeBytes: SIZE, sha256: sha256Hex(TEXT) };
const PINS: Pins = {
  revision: 'r28427-6df0e3d02a',
  imageBuilder: { url: 'https://mirror.example/ib.tar.zst', sha256: 'b'.repeat(64) },
  feeds: [{ name: 'base', sha256: 'f'.repeat(64) }],
};

/** A build of that name: of each there is one request. */
export function savedBuild(salt: string, name: string) {
  const request = normalizedRequest({ addPackages: [`saved-${name}`] });
  const intent = intentHash(salt, request);
  return { request, intent, hash: requestHash(intent, 1) };
}

/** Builds that every saved database has, each under the name of what it is. */
export const BUILDS = ['waiting', 'voted', 'running', 'decided', 'done', 'failed'] as const;
export type SavedName = (typeof BUILDS)[number];

/** `at`: when all of it happened. `keyOf`: the public key of a node, 64 hex digits. */
export function savedRows(salt: string, at: number, keyOf: (node: string) => string): readonly SavedRow[] {
  const of = (name: SavedName) => savedBuild(salt, name);
  const build = (name: SavedName, state: string, more: object = {}): SavedRow => ({
    since: '0000_init',
    table: 'builds',
    row: {
      request_hash: of(name).hash,
      intent_hash: of(name).intent,
      generation: 1,
      state,
      request: of(name).request,
      echo: requestEcho({ target: 'x86/64', packages: [`saved-${name}`] }),
      conditions: { version_code: '', packages_versions: {} },
      upstream_digest: 'd'.repeat(64),
      enqueued_at: at,
      not_before: 0,
      ...more,
    },
  });
  const lease = (name: SavedName, node: string, state: 'active' | 'ended'): SavedRow => ({
    since: '0000_init',
    table: 'leases',
    row: {
      id: `lease-${name}`,
      request_hash: of(name).hash,
      node_id: node,
      idempotency_key: `key-${name}`,
      attempt: 1,
      state,
      pins: PINS,
      granted_at: at,
      expires_at: at + 90_000,
      deadline_at: at + 600_000,
    },
  });
  const node = (id: string, tier: string, operator: string): SavedRow => ({
    since: '0000_init',
    table: 'nodes',
    row: { id, public_key: keyOf(id), name: id, operator, tier, state: 'active', joined_at: at, last_seen_at: at },
  });
  return [
    node('a', 'trusted', 'op'),
    node('v', 'volunteer', 'op-v'),
    { since: '0000_init', table: 'join_tokens', row: { id: 'c'.repeat(32), node_id: 'a', used_at: at } },
    build('waiting', 'queued'),
    build('voted', 'queued'),
    lease('voted', 'v', 'ended'),
    {
      since: '0000_init',
      table: 'votes',
      row: {
        ...{ request_hash: of('voted').hash, operator: 'op-v', node_id: 'v', tier: 'volunteer' },
        ...{ lease_id: 'lease-voted', outcome: 'image', kind: null, digest: 'e'.repeat(64), at },
      },
    },
    build('running', 'running', { lease_id: 'lease-running', attempts: 1, started_at: at, step: 3 }),
    lease('running', 'a', 'active'),
    build('decided', 'publishing', {
      lease_id: 'lease-decided',
      attempts: 1,
      started_at: at,
      record: recordOf(of('decided'), at),
    }),
    lease('decided', 'a', 'ended'),
    {
      since: '0000_init',
      table: 'uploads',
      row: { lease_id: 'lease-decided', name: FILE, size_bytes: SIZE, sha256: IMAGE.sha256, state: 'complete' },
    },
    build('done', 'done', { lease_id: 'lease-done', attempts: 1, started_at: at - 60_000, finished_at: at }),
    build('failed', 'failed', { attempts: 1, finished_at: at, failure: failureOf(of('failed'), at) }),
    {
      since: '0001_statistics',
      table: 'counters',
      row: { what: 'builds', day: Math.floor(at / 86_400_000), branch: '24.10', name: '', n: 7 },
    },
    {
      since: '0002_names',
      table: 'names',
      row: {
        name: '0123456789ab',
        identity: '9'.repeat(64),
        dialect: 'chef',
        request_hash: of('done').hash,
        used_at: at,
      },
    },
    { since: '0004_turns', table: 'clients', row: { key: 'a client', turn: 1 } },
    {
      since: '0010_log',
      table: 'log',
      row: { sequence: 1, hash: '8'.repeat(64), request_hash: of('done').hash, payload: '{}', at, written: 1 },
    },
    {
      since: '0011_trust',
      table: 'reproducibility',
      row: { branch: '24.10', target: 'x86/64', agreed: 5, unexplained: 0, explained: 0, last_at: at },
    },
    {
      since: '0014_checks',
      table: 'known_images',
      row: {
        ...{
          request_hash: of('done').hash,
          word: 'trusted',
          branch: '24.10',
          target: 'x86/64',
          image_builder: 'b'.repeat(64),
        },
        ...{ inputs: '7'.repeat(64), digest: 'e'.repeat(64), node_id: 'a', operator: 'op', place: 5, at },
      },
    },
    { since: '0016_measurers', table: 'measurers', row: { branch: '24.10', target: 'x86/64', operator: 'op-v' } },
    { since: '0020_kept_requests', table: 'kept_requests', row: { request_hash: of('waiting').hash, written: 1 } },
  ];
}

interface Named {
  readonly hash: string;
  readonly intent: string;
  readonly request: BuildRecord['request'];
}

const recordOf = ({ hash, intent, request }: Named, at: number): BuildRecord => ({
  format: 1,
  requestHash: hash,
  intentHash: intent,
  generation: 1,
  request,
  echo: requestEcho({ target: 'x86/64' }),
  private: false,
  pins: PINS,
  leaseId: 'lease-decided',
  nodeId: 'a',
  operator: 'op',
  files: [IMAGE],
  images: [{ ...IMAGE, type: 'combined', filesystem: 'squashfs' }],
  manifest: { 'base-files': '1' },
  unindexed: [],
  device: {
    versionNumber: '24.10.2',
    versionCode: PINS.revision,
    sourceDateEpoch: 1_750_000_000,
    archPackages: 'x86_64',
    defaultPackages: ['base-files'],
    devicePackages: [],
    supportedDevices: [],
    titles: [{ title: 'Generic x86/64' }],
    imagePrefix: 'openwrt-24.10.2-x86-64-generic',
    linuxKernel: null,
  },
  buildCommand: ['make', 'image'],
  enqueuedAt: at,
  publishedAt: at,
  durationMs: 42_000,
  expiresAt: null,
});

const failureOf = ({ hash, intent }: Named, at: number): FailureRecord => ({
  requestHash: hash,
  intentHash: intent,
  generation: 1,
  kind: 'build_failed',
  detail: 'Error: Error while building firmware. See stdout/stderr',
  stdout: 'make: entering',
  stderr: 'make: *** failed',
  echo: requestEcho({ target: 'x86/64' }),
  private: false,
  upstreamDigest: 'd'.repeat(64),
  enqueuedAt: at,
  failedAt: at,
});
