/**
 * A build order, judged again on the node. The edge checked it; a node that trusts that is one bug of the edge away from
 * running what a stranger wrote (CVE-2024-54143). Nothing of an order is used before it went through here.
 */
import { BuildError } from '../../shared/build/build-error.ts';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import { type BuildOrder, RepositoriesMode } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { MAX_PACKAGES_CHARACTERS } from '../../shared/request/build-request.ts';
import {
  FILESYSTEMS,
  isPackageName,
  PROFILE_ID,
  REPOSITORY_NAME,
  TARGET,
  VERSION_CODE,
  WORD,
} from '../../shared/request/grammar.ts';
import { isPlainUrl } from '../../shared/request/repository-allow-list.ts';
import { PLAIN_URL } from '../imagebuilder/repositories.ts';
import { type KeyFile, keyFiles } from '../imagebuilder/repository-keys.ts';
import { compressionOf } from '../imagebuilder/unpack.ts';
import { FEED_ID } from '../packages/proxied-feed.ts';
import { isLeaseId } from './workspace.ts';

const MAX_PACKAGES = 2000;
/** A client's sixteen and the eight of a distribution. */
const MAX_REPOSITORIES = 24;
/** Some ten of upstream. */
const MAX_FEEDS = 64;
const MAX_ROOTFS_MB = 65_536;
const MAX_DEFAULTS_LENGTH = 64 * 1024;
/** As the edge has them (shared/request/build-request.ts). */
const MAX_WORD_LENGTH = 64;
const MAX_NAME_LENGTH = 128;
const MAX_URL_LENGTH = 1024;
const MAX_KEY_LENGTH = 1024;

export interface CheckedOrder {
  readonly leaseId: string;
  readonly requestHash: string;
  readonly deadlineMs: number;
  readonly target: string;
  readonly profile: string;
  readonly addPackages: readonly string[];
  readonly removePackages: readonly string[];
  readonly revision: string;
  readonly imageBuilder: { readonly url: string; readonly sha256: string };
  /** sha256 of a feed's index by the feed's id, as the catalogue read it. */
  readonly pins: ReadonlyMap<string, string>;
  readonly rootfsSizeMb: number | undefined;
  readonly filesystem: string;
  readonly repositories: readonly { readonly name: string; readonly url: string }[];
  readonly repositoriesMode: 'append' | 'replace';
  readonly repositoryKeys: readonly KeyFile[];
  readonly defaults: string;
  readonly versionUrl: string;
}

/** @throws BuildError `bad_request` for what a user chose, `internal` for what the edge added */
export function checkedOrder(order: BuildOrder): CheckedOrder {
  const inputs = order.inputs;
  if (inputs === undefined) throw ours('inputs', 'inputs', undefined);
  // Also makes the lease a name of one directory, and nothing else.
  if (!isLeaseId(order.leaseId)) throw ours('lease_id', 'letters, digits, "_" and "-"', order.leaseId);
  if (!isSha256Hex(order.requestHash)) throw ours('request_hash', '64 hex digits', order.requestHash);
  const deadlineMs = Number(order.deadlineMs);
  if (!Number.isSafeInteger(deadlineMs) || deadlineMs <= 0) throw ours('deadline_ms', 'a time', order.deadlineMs);

  const builder = inputs.imageBuilder;
  if (builder === undefined || !isUrl(builder.url) || compressionOf(builder.url) === null)
    throw ours('image_builder.url', 'an http or https URL of a .tar.zst, .tar.xz or .tar.gz', builder?.url);
  if (!isSha256Hex(builder.sha256)) throw ours('image_builder.sha256', '64 hex digits', builder.sha256);
  if (!isUrl(inputs.versionUrl)) throw ours('version_url', 'an http or https URL', inputs.versionUrl);
  if (inputs.revision === '' || !fits(inputs.revision, VERSION_CODE, MAX_WORD_LENGTH))
    throw ours('revision', 'a revision', inputs.revision);
  if (inputs.feeds.length > MAX_FEEDS) throw ours('feeds', `at most ${MAX_FEEDS}`, inputs.feeds.length);
  const pins = new Map<string, string>();
  for (const { name, sha256 } of inputs.feeds) {
    if (!FEED_ID.test(name) || pins.has(name)) throw ours('feeds.name', 'the name of another feed', name);
    if (!isSha256Hex(sha256)) throw ours('feeds.sha256', '64 hex digits', sha256);
    pins.set(name, sha256);
  }
  const mode = MODES.get(inputs.repositoriesMode);
  if (mode === undefined) throw ours('repositories_mode', 'append or replace', inputs.repositoriesMode);

  if (!isWord(inputs.distro)) throw theirs('distro', 'a word', inputs.distro);
  if (!isWord(inputs.version)) throw theirs('version', 'a word', inputs.version);
  if (!fits(inputs.target, TARGET, MAX_NAME_LENGTH)) throw theirs('target', 'target/subtarget', inputs.target);
  if (!fits(inputs.profile, PROFILE_ID, MAX_NAME_LENGTH)) throw theirs('profile', 'a profile', inputs.profile);
  atMost('packages', MAX_PACKAGES, inputs.addPackages.length + inputs.removePackages.length);
  const names = [...inputs.addPackages, ...inputs.removePackages];
  for (const name of names) if (!isPackageName(name)) throw theirs('packages', 'a package name', name);
  // An absolute list also removes defaults, whose names the client did not write out: some 8 KiB.
  atMost('packages in characters', MAX_PACKAGES_CHARACTERS + 8192, names.join(' ').length);
  const size = inputs.rootfsSizeMb;
  if (size !== undefined && (!Number.isInteger(size) || size < 1 || size > MAX_ROOTFS_MB))
    throw theirs('rootfs_size_mb', `1 to ${MAX_ROOTFS_MB} MiB`, size);
  if (inputs.filesystem !== '' && !FILESYSTEMS.some((filesystem) => filesystem === inputs.filesystem))
    throw theirs('filesystem', `one of ${FILESYSTEMS.join(', ')}`, inputs.filesystem);
  atMost('repositories', MAX_REPOSITORIES, inputs.repositories.length);
  for (const { name, url } of inputs.repositories) {
    if (!fits(name, REPOSITORY_NAME, MAX_NAME_LENGTH) || isDots(name))
      throw theirs('repositories', 'a repository name', name);
    if (url.length > MAX_URL_LENGTH || !isPlainUrl(url) || LONE_PERCENT.test(url))
      throw theirs('repositories', 'an http or https URL', url);
  }
  atMost('repository_keys', MAX_REPOSITORIES, inputs.repositoryKeys.length);
  for (const key of inputs.repositoryKeys) atMost('repository_keys in characters', MAX_KEY_LENGTH, key.length);
  atMost('defaults in bytes', MAX_DEFAULTS_LENGTH, Buffer.byteLength(inputs.defaults));

  return {
    leaseId: order.leaseId,
    requestHash: order.requestHash,
    deadlineMs,
    target: inputs.target,
    profile: inputs.profile,
    addPackages: inputs.addPackages,
    removePackages: inputs.removePackages,
    revision: inputs.revision,
    imageBuilder: { url: builder.url, sha256: builder.sha256 },
    pins,
    rootfsSizeMb: size,
    filesystem: inputs.filesystem,
    repositories: inputs.repositories.map(({ name, url }) => ({ name, url })),
    repositoriesMode: mode,
    repositoryKeys: keyFiles(inputs.repositoryKeys),
    defaults: inputs.defaults,
    versionUrl: inputs.versionUrl,
  };
}

/** A message may hold any number for an enum; one that we do not know is not the harmless one of the two. */
const MODES: ReadonlyMap<RepositoriesMode, 'append' | 'replace'> = new Map([
  [RepositoriesMode.UNSPECIFIED, 'append'],
  [RepositoriesMode.APPEND, 'append'],
  [RepositoriesMode.REPLACE, 'replace'],
]);

const fits = (value: string, grammar: RegExp, maxLength: number): boolean =>
  value.length <= maxLength && grammar.test(value);

const isDots = (value: string): boolean => value === '.' || value === '..';

const isWord = (value: string): boolean => fits(value, WORD, MAX_WORD_LENGTH) && !isDots(value);

/** Of the mirror, which the edge chose: no segment that climbs out of what it names, no `%` that escapes nothing. */
const isUrl = (value: string): boolean =>
  fits(value, PLAIN_URL, MAX_URL_LENGTH) && !/\/\.{1,2}(?:\/|$)/.test(value) && !LONE_PERCENT.test(value);

const LONE_PERCENT = /%(?![0-9A-Fa-f]{2})/;

function atMost(field: string, limit: number, got: number): void {
  if (got > limit) throw theirs(field, `at most ${limit}`, got);
}

const theirs = (field: string, expected: string, got: unknown): BuildError =>
  new BuildError('bad_request', `${field}: expected ${expected}, got ${quote(got)}`);

const ours = (field: string, expected: string, got: unknown): BuildError =>
  new BuildError(
    'internal',
    `Error: The build order's ${field} is wrong: expected ${expected}, got ${quote(got)}. This is not a fault of your request`,
  );

const quote = (value: unknown): string => JSON.stringify(String(value).slice(0, 128));
