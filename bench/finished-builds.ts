/**
 * Finished builds as a Foreman would have published them, without building anything: the requests that ask for them, and
 * their records under the identities that the edge itself will compute, because the same code computes them here.
 */
import { type BuildRecord, type RequestEcho, storeKey } from '../shared/build/build-record.ts';
import { unindexedNames } from '../shared/build/freshness.ts';
import { sha256Hex } from '../shared/crypto/digest.ts';
import type { EdgeSettings } from '../shared/edge-settings.ts';
import { echoOf, parseBuildRequest } from '../shared/request/build-request.ts';
import { intentHash, requestHash } from '../shared/request/intent.ts';
import { normalizeRequest } from '../shared/request/normalize-request.ts';
import { findBranch } from '../shared/upstream/branch.ts';
import type { ArchDocument, TargetDocument } from '../shared/upstream/catalogue-document.ts';
import { seeded, shuffled } from './random.ts';

export const PROFILE = 'acme_ax3000-v1';
/** What a router with LuCI, a VPN and some tools has. */
const MANIFEST_NAMES = 180;
/** One intent in this many spellings; load.lua knows the number too. */
export const VARIANTS = 4;

export interface FinishedBuild {
  readonly record: BuildRecord;
  /** JSON bodies of one intent; `@` stands where a running number makes one more of it. */
  readonly bodies: readonly string[];
}

export interface Upstream {
  readonly target: TargetDocument;
  readonly arch: ArchDocument;
}

/** @throws Error where the demo's packages do not give so many different intents */
export function finishedBuilds(count: number, upstream: Upstream, settings: EdgeSettings): FinishedBuild[] {
  const random = seeded(1);
  const builds = Array.from({ length: count }, (_, index) => finishedBuild(index, upstream, settings, random));
  const intents = new Set(builds.map(({ record }) => record.intentHash));
  if (intents.size !== count) throw new Error(`expected ${count} different intents, got ${intents.size}`);
  return builds;
}

function finishedBuild(index: number, upstream: Upstream, settings: EdgeSettings, random: () => number): FinishedBuild {
  const { target, arch } = upstream;
  const installed = [...target.defaultPackages, ...(target.profiles[PROFILE]?.devicePackages ?? [])].filter(
    (name) => !name.startsWith('-'),
  );
  const others = Object.keys(arch.packages).filter((name) => !installed.includes(name));
  const chosen = shuffled(others, random).slice(0, 6 + Math.floor(random() * 20));
  // As owut and LuCI ask: the whole list, without one default now and then.
  const packages = [...(index % 3 === 0 ? installed.filter((name) => name !== 'ppp-mod-pppoe') : installed), ...chosen];
  const asked = {
    distro: 'openwrt',
    version: target.version,
    version_code: target.versionCode,
    target: target.target,
    profile: PROFILE,
    diff_packages: true,
    ...(index % 5 === 0 && { rootfs_size_mb: 64 + (index % 960) }),
  };
  const body = (more: Record<string, unknown>) => JSON.stringify({ ...asked, ...more });
  const bodies = [
    body({ packages, client: 'owut/@' }),
    body({ packages: shuffled(packages, random), client: 'luci/@' }),
    body({
      client: 'auc (@)',
      packages: shuffled(packages, random).map((name, at) => (at % 4 === 0 ? `+${name}` : name)),
    }),
    body({ packages: [...packages].sort(), client: 'bench/@', sent_by: 'a field that the server does not know' }),
  ];
  if (bodies.length !== VARIANTS) throw new Error(`expected ${VARIANTS} spellings, got ${bodies.length}`);
  return { record: recordOf(bodies[0] as string, packages, upstream, settings), bodies };
}

function recordOf(
  body: string,
  packages: readonly string[],
  { target, arch }: Upstream,
  settings: EdgeSettings,
): BuildRecord {
  const parsed = parseBuildRequest(JSON.parse(body));
  const branch = findBranch(settings.BRANCHES, target.version);
  if (!parsed.ok || !branch) throw new Error(`the bench made an invalid request: ${body}`);
  const request = normalizeRequest(parsed.request, branch, target, {
    distros: settings.DISTROS,
    allowDefaults: false,
    maxDefaultsBytes: 0,
    maxRootfsSizeMb: settings.MAX_CUSTOM_ROOTFS_SIZE_MB,
    repositoryAllowList: [],
    defaultsKey: new Uint8Array(32),
  });
  const intent = intentHash(settings.IDENTITY_SALT, request);
  const hash = requestHash(intent, 1);
  const manifest = manifestOf(packages, target, arch);
  const facts = target.profiles[PROFILE];
  const prefix = `openwrt-${target.version}-${target.target.replace('/', '-')}-${PROFILE}`;
  const file = (name: string, sizeBytes: number) => ({ name, sizeBytes, sha256: sha256Hex(`${hash} ${name}`) });
  const sysupgrade = file(`${prefix}-squashfs-sysupgrade.bin`, 8_126_464);
  const factory = file(`${prefix}-squashfs-factory.bin`, 8_650_752);
  return {
    format: 1,
    requestHash: hash,
    intentHash: intent,
    generation: 1,
    request,
    echo: echoOf(parsed.request) as RequestEcho,
    private: false,
    pins: {
      revision: target.versionCode,
      imageBuilder: { url: `${settings.UPSTREAM_URL}/${target.imageBuilder.path}`, sha256: target.imageBuilder.sha256 },
      feeds: arch.feeds,
    },
    leaseId: hash.slice(0, 32),
    nodeId: 'bench',
    operator: 'bench',
    files: [sysupgrade, factory, file(`${prefix}.manifest`, 5_120), file('sha256sums', 412)],
    images: [
      { ...sysupgrade, type: 'sysupgrade', filesystem: 'squashfs' },
      { ...factory, type: 'factory', filesystem: 'squashfs' },
    ],
    manifest,
    unindexed: unindexedNames(manifest, target, arch),
    device: {
      versionNumber: target.version,
      versionCode: target.versionCode,
      sourceDateEpoch: 1_750_711_236,
      archPackages: target.archPackages,
      defaultPackages: target.defaultPackages,
      devicePackages: facts?.devicePackages ?? [],
      supportedDevices: facts?.supportedDevices ?? [],
      titles: facts?.titles ?? [],
      imagePrefix: prefix,
      linuxKernel: { version: '6.6.93', release: '1', vermagic: hash.slice(0, 32) },
    },
    buildCommand: ['make', 'image', `PROFILE=${PROFILE}`, `PACKAGES=${request.addPackages.join(' ')}`, 'BIN_DIR=bin'],
    enqueuedAt: Date.UTC(2026, 0, 1),
    publishedAt: Date.UTC(2026, 0, 1, 0, 1),
    durationMs: 60_000,
    expiresAt: null,
  };
}

/** Everything asked for in the version of upstream, so that the build is fresh; the demo's index is small, so the rest is invented. */
function manifestOf(packages: readonly string[], target: TargetDocument, arch: ArchDocument): Record<string, string> {
  const index = { ...arch.packages, ...target.packages };
  const asked = packages.flatMap((name) => (index[name] === undefined ? [] : [[name, index[name]] as const]));
  const manifest = Object.fromEntries(asked);
  for (const [name, version] of Object.entries(index)) {
    if (Object.keys(manifest).length >= MANIFEST_NAMES / 2) break;
    manifest[name] ??= version;
  }
  for (let n = Object.keys(manifest).length; n < MANIFEST_NAMES; n++) manifest[`kmod-bench-module-${n}`] = '6.6.93-r1';
  return Object.fromEntries(Object.entries(manifest).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What publishing writes into the object store. */
export const storeEntries = ({ record }: FinishedBuild): readonly (readonly [key: string, value: string])[] => [
  [storeKey.build(record.requestHash), JSON.stringify(record)],
  [storeKey.intent(record.intentHash), JSON.stringify({ requestHash: record.requestHash, generation: 1 })],
];
