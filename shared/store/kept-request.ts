/**
 * A build that waits, as it lies in the object store: what brings the queue back where the Foreman's tables are lost. Whoever may write
 * there must not be able to have anything built by it that nobody may ask for; so what is read is held to the grammar, to what this
 * server allows, and to the hash by which it is called. What is private is sealed whole.
 */
import { z } from 'zod';
import { fromBase64Url, toBase64Url } from '../crypto/base64url.ts';
import { isSha256Hex } from '../crypto/digest.ts';
import { seal, unseal } from '../crypto/seal.ts';
import { buildRequestSchema, echoOf } from '../request/build-request.ts';
import {
  FILESYSTEMS,
  isPackageName,
  PROFILE_ID,
  REPOSITORY_KEY,
  REPOSITORY_NAME,
  TARGET,
  WORD,
} from '../request/grammar.ts';
import { intentHash, requestHash } from '../request/intent.ts';
import { isPrivate, type NormalizedRequest, type RequestPolicy } from '../request/normalize-request.ts';
import { isPlainUrl, isRepositoryAllowed } from '../request/repository-allow-list.ts';
import { type Distro, feedUrl, findDistro } from '../upstream/distro.ts';

/** The largest that is read: a request's own limit, with what is made of it. */
export const MAX_KEPT_BYTES = 1024 * 1024;
const MAX_PACKAGES = 4_096;
const MAX_REPOSITORIES = 32;

const word = (max: number, pattern: RegExp) =>
  z
    .string()
    .max(max)
    .regex(pattern)
    .refine((value) => value !== '.' && value !== '..');
const packages = z.array(z.string().refine(isPackageName)).max(MAX_PACKAGES);
const sha256 = z.string().refine(isSha256Hex);

const normalizedSchema = z.strictObject({
  distro: word(64, WORD),
  version: word(64, WORD),
  target: word(128, TARGET),
  profile: word(128, PROFILE_ID),
  addPackages: packages,
  removePackages: packages,
  rootfsSizeMb: z.int().min(1).nullable(),
  filesystem: z.enum(FILESYSTEMS).nullable(),
  repositories: z.array(z.string().max(1024)).max(MAX_REPOSITORIES),
  repositoriesMode: z.enum(['append', 'replace']),
  repositoryKeys: z.array(z.string().max(1024).regex(REPOSITORY_KEY)).max(MAX_REPOSITORIES),
  defaultsMac: z.union([z.literal(''), sha256]),
});

const keptSchema = z.strictObject({
  format: z.literal(1),
  generation: z.int().min(1),
  request: normalizedSchema,
  echo: buildRequestSchema.transform(echoOf),
  conditions: buildRequestSchema.pick({ version_code: true, packages_versions: true }),
  sealedDefaults: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .nullable(),
  upstreamDigest: sha256,
  imageBuilder: z.union([z.literal(''), sha256]),
  enqueuedAt: z.int().min(0),
});

const sealedSchema = z.strictObject({ format: z.literal(1), sealed: z.string() });

type Stored = z.output<typeof keptSchema>;
export type KeptRequest = Omit<Stored, 'format'> & { readonly intentHash: string };

export type ReadKept =
  | { readonly ok: true; readonly kept: KeptRequest }
  /** For the operator's log; never what it holds. */
  | { readonly ok: false; readonly reason: string };

/** `nonce`: 12 random bytes, never used twice with one key. */
export async function keptText(
  build: Omit<KeptRequest, 'intentHash' | 'request' | 'echo' | 'conditions'> & {
    readonly requestHash: string;
    readonly request: NormalizedRequest;
    readonly echo: unknown;
    readonly conditions: unknown;
  },
  sealing: Uint8Array,
  nonce: Uint8Array,
): Promise<string> {
  const { generation, request, echo, conditions, sealedDefaults, upstreamDigest, imageBuilder, enqueuedAt } = build;
  const fields = { generation, request, echo, conditions, sealedDefaults, upstreamDigest, imageBuilder, enqueuedAt };
  const text = JSON.stringify({ format: 1, ...fields });
  if (!isPrivate(request)) return text;
  const sealed = await seal(sealing, contextOf(build.requestHash), text, nonce);
  return JSON.stringify({ format: 1, sealed: toBase64Url(sealed) } satisfies z.output<typeof sealedSchema>);
}

/** `hash`: by which it is called. */
export async function readKept(
  text: string,
  hash: string,
  sealing: Uint8Array,
  policy: Pick<RequestPolicy, 'distros' | 'allowDefaults' | 'maxRootfsSizeMb' | 'repositoryAllowList'> & {
    readonly salt: string;
  },
): Promise<ReadKept> {
  const no = (reason: string): ReadKept => ({ ok: false, reason });
  let data = jsonOf(text);
  const outer = sealedSchema.safeParse(data);
  if (outer.success) {
    const opened = await open(sealing, hash, outer.data.sealed);
    if (opened === null) return no('it was sealed by another key, or for another build');
    data = jsonOf(opened);
  }
  const parsed = keptSchema.safeParse(data);
  if (!parsed.success) return no(`not as it is written: ${parsed.error.issues[0]?.path.join('.')}`);
  const { format: _, ...kept } = parsed.data;
  const { request } = kept;
  const intent = intentHash(policy.salt, request);
  if (requestHash(intent, kept.generation) !== hash) return no('it is called by the hash of another request');
  if (isPrivate(request) !== outer.success || isPrivate(request) !== (kept.sealedDefaults !== null))
    return no('a secret of it is missing, or was never sealed');
  const refused = refusal(request, policy);
  return refused === null ? { ok: true, kept: { ...kept, intentHash: intent } } : no(refused);
}

/** What this server does not allow, or no longer. */
function refusal(
  request: NormalizedRequest,
  policy: Pick<RequestPolicy, 'distros' | 'allowDefaults' | 'maxRootfsSizeMb' | 'repositoryAllowList'>,
): string | null {
  const distro = findDistro(policy.distros, request.distro);
  if (!distro) return 'its distribution is not served here';
  if (isPrivate(request) && !policy.allowDefaults) return '`defaults` are not allowed';
  if ((request.rootfsSizeMb ?? 0) > policy.maxRootfsSizeMb) return 'its root file system is too large';
  const isAllowed = (line: string): boolean => {
    const [name = '', url = '', more] = line.split(' ');
    if (more !== undefined || !REPOSITORY_NAME.test(name) || name === '.' || name === '..' || !isPlainUrl(url))
      return false;
    return isFeedOf(distro, request, name, url) || isRepositoryAllowed(url, policy.repositoryAllowList);
  };
  return request.repositories.every(isAllowed) ? null : 'a repository of it is not allowed';
}

/** The architecture is upstream's to say, and is no part of the request. */
const ANY_ARCH = '{arch}';

const isFeedOf = (distro: Distro, { version, target }: NormalizedRequest, name: string, url: string): boolean =>
  distro.feeds.some((feed) => {
    if (feed.name !== name) return false;
    const parts = feedUrl(feed, { version, target, arch: ANY_ARCH }).split(ANY_ARCH);
    const pattern = parts.map((part) => part.replace(/[^A-Za-z0-9]/g, '\\$&')).join('[\\w.+-]+');
    return new RegExp(`^${pattern}$`).test(url);
  });

const contextOf = (hash: string): string => `requests/${hash}`;

async function open(sealing: Uint8Array, hash: string, sealed: string): Promise<string | null> {
  const bytes = fromBase64Url(sealed);
  return bytes && unseal(sealing, contextOf(hash), bytes).catch(() => null);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
