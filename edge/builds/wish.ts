/**
 * A wish: what a body asks for, whoever asks and however it is spelled. Most of what routers ask was asked before, and
 * parsing, checking and hashing it anew costs more than all the rest of a hit; so an isolate keeps, per wish, its hash and
 * the little that an answer needs. A wish with a secret in it is never kept.
 */
import { LRUCache } from 'lru-cache';
import { BuildError, invalidRequest, refuseField } from '../../shared/build/build-error.ts';
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import {
  type BuildRequest,
  echoOf,
  MAX_CLIENT_CHARACTERS,
  parseBuildRequest,
} from '../../shared/request/build-request.ts';
import type { Conditions } from '../../shared/request/conditions.ts';
import { intentHash } from '../../shared/request/intent.ts';
import {
  checkPolicy,
  type NormalizedRequest,
  normalizeRequest,
  type RequestPolicy,
} from '../../shared/request/normalize-request.ts';
import { type Branch, findBranch } from '../../shared/upstream/branch.ts';
import type { TargetDocument } from '../../shared/upstream/catalogue-document.ts';
import { applyPackageChanges } from '../../shared/upstream/package-changes.ts';
import { LIFETIMES } from '../lifetimes.ts';

/** What is kept. */
interface Wish {
  readonly version: string;
  readonly target: string;
  readonly isPrivate: boolean;
  readonly conditions: Conditions;
  readonly echo: KeptEcho;
  /** `target`: which state of the target document it was made with. */
  identity?: { readonly target: string; readonly intent: string };
}

/**
 * The echo up to the client's name, which is its last field. Packages are most of it, and stand in the key of the wish
 * too: they are kept once, for what memory does not hold is parsed and hashed anew.
 */
interface KeptEcho {
  /** Where it is known from where to take the list of packages, with an empty one in its place. */
  readonly json: string;
  /** Where that stands, and where in the key the list begins and ends. */
  readonly list: { readonly at: number; readonly from: number; readonly to: number } | null;
}

/** One request: a wish, and who asks. */
export interface Asked {
  readonly wish: Wish;
  /** What the client calls itself. */
  readonly client: string | null;
  readonly echoJson: string;
  /** The whole of it, parsed anew: needed on a miss only. */
  request(): BuildRequest;
}

/** Of a wish, beside its texts. */
const OBJECTS_BYTES = 800;

export class Wishes {
  readonly #known = new LRUCache<string, Wish>({
    maxSize: LIFETIMES.wishesInMemoryBytes,
    sizeCalculation: (wish, key) => OBJECTS_BYTES + key.length + wish.echo.json.length,
  });
  readonly #config: EdgeSettings;
  readonly #policy: RequestPolicy;

  constructor(config: EdgeSettings, policy: RequestPolicy) {
    this.#config = config;
    this.#policy = policy;
  }

  /**
   * `beforeAnew`: called where the wish is none that is known, before it is looked at, which costs more than all the rest.
   * @throws BuildError for all that can be said without the catalogue: shape, grammar, policy, branch
   */
  read(body: string, beforeAnew?: () => void): Asked {
    const json = parseJson(body);
    return this.#ask(json, () => parse(json), beforeAnew);
  }

  /** The same for a request that was read already: one of the old API, in the words of this one. */
  of(request: BuildRequest, beforeAnew?: () => void): Asked {
    return this.#ask(request, () => request, beforeAnew);
  }

  /** @throws BuildError for what this server does not allow */
  checkPolicy(request: BuildRequest): void {
    checkPolicy(request, this.#policy);
  }

  #ask(json: unknown, read: () => BuildRequest, beforeAnew: () => void = () => undefined): Asked {
    // Empty: of what is never remembered.
    const key = spelling(json) ?? '';
    const known = this.#known.get(key);
    // The client's name was looked at by `spelling`, for it would have been no key otherwise.
    if (known) return asked(known, key, (json as { client?: string | null }).client ?? null, read);
    beforeAnew();
    const request = read();
    this.checkPolicy(request);
    const wish = wishOf(request, this.#branchOf(request.version), key);
    if (key !== '' && !wish.isPrivate) this.#known.set(key, wish);
    return asked(wish, key, request.client, () => request);
  }

  /** 64 hex digits; computed once per wish and state of the target. @throws BuildError `unsupported` profile */
  intent({ wish, request }: Asked, target: TargetDocument): string {
    const state = `${target.version} ${target.target} ${target.fetchedAt}`;
    if (wish.identity?.target !== state) {
      const intent = intentHash(this.#config.IDENTITY_SALT, this.normalize(request(), target));
      wish.identity = { target: state, intent };
    }
    return wish.identity.intent;
  }

  normalize(request: BuildRequest, target: TargetDocument): NormalizedRequest {
    return normalizeRequest(request, this.#branchOf(request.version), target, this.#policy);
  }

  #branchOf(version: string): Branch {
    const branch = findBranch(this.#config.BRANCHES, version);
    if (!branch) throw new BuildError('unsupported', `Unsupported branch: ${version}`);
    return branch;
  }
}

function wishOf(request: BuildRequest, branch: Branch, key: string): Wish {
  return {
    version: request.version,
    target: request.target,
    isPrivate: request.defaults !== '',
    conditions: { version_code: request.version_code, packages_versions: standing(request, branch) },
    echo: keptEcho(request, key),
  };
}

const EMPTY_LIST = '[]';

function keptEcho(request: BuildRequest, key: string): KeptEcho {
  const packages = JSON.stringify(request.packages);
  const from = key.indexOf(packages);
  if (from < 0) return { json: headOf(request), list: null };
  const json = headOf({ ...request, packages: [] });
  // In a text the quotes would be escaped, so this is the member.
  const at = json.indexOf('"packages":[]') + '"packages":'.length;
  return { json, list: { at, from, to: from + packages.length } };
}

function headOf(request: BuildRequest): string {
  const echo = JSON.stringify(echoOf({ ...request, client: null }));
  return echo.slice(0, echo.lastIndexOf('null'));
}

const echoHead = ({ json, list }: KeptEcho, key: string): string =>
  list === null
    ? json
    : json.slice(0, list.at) + key.slice(list.from, list.to) + json.slice(list.at + EMPTY_LIST.length);

/** Of a package that has another name by now, or none, the old name's version says nothing about the image. */
const standing = ({ packages_versions }: BuildRequest, branch: Branch): Conditions['packages_versions'] =>
  Object.fromEntries(
    Object.entries(packages_versions).filter(([name]) => applyPackageChanges([name], branch)[0] === name),
  );

const asked = (wish: Wish, key: string, client: string | null, request: () => BuildRequest): Asked => ({
  wish,
  client,
  echoJson: `${echoHead(wish.echo, key)}${JSON.stringify(client)}}`,
  request,
});

/** As the schema has it. */
const isClient = (name: unknown): boolean =>
  typeof name === 'string' && name.length <= MAX_CLIENT_CHARACTERS && name.isWellFormed();

/**
 * All that a body asks for but the client's name, in one spelling; null where it must be looked at anew. Absent and null
 * stay apart, for one of them may be an error.
 */
function spelling(json: unknown): string | null {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return null;
  const body = json as Readonly<Record<string, unknown>>;
  const { client } = body;
  // JSON reads 1e400 as infinity and writes that as null, which is another wish.
  if (body.defaults || FIELDS.some((field) => typeof body[field] === 'number' && !Number.isFinite(body[field])))
    return null;
  if (client !== undefined && client !== null && !isClient(client)) return null;
  // A list of values, not an object: the names of the fields need not be written out a million times.
  return JSON.stringify(FIELDS.map((field) => (Object.hasOwn(body, field) ? [body[field]] : 0)));
}

/** Those of the schema, but for `client`; a test compares. */
export const FIELDS = [
  'distro',
  'version',
  'version_code',
  'target',
  'profile',
  'packages',
  'packages_versions',
  'diff_packages',
  'defaults',
  'rootfs_size_mb',
  'filesystem',
  'repositories',
  'repositories_mode',
  'repository_keys',
] as const;

/** @throws BuildError `invalid_request` */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    refuseField('', 'expected JSON');
  }
}

function parse(json: unknown): BuildRequest {
  const parsed = parseBuildRequest(json);
  if (parsed.ok) return parsed.request;
  throw invalidRequest(parsed.errors);
}
