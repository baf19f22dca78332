/**
 * Three ways to know an image again, over the same requests. Ours is the real code: normalisation, intent, freshness and
 * conditions. The others are a hash of the body as it came, and the fields that the peer hashes, both with a life by the
 * clock.
 */
import { hash } from 'node:crypto';
import { BuildError } from '../../shared/build/build-error.ts';
import { indexedVersion, isFresh } from '../../shared/build/freshness.ts';
import { parseBuildRequest } from '../../shared/request/build-request.ts';
import { type Conditions, checkPackageVersions, checkRevision } from '../../shared/request/conditions.ts';
import { intentHash } from '../../shared/request/intent.ts';
import { normalizeRequest } from '../../shared/request/normalize-request.ts';
import { findBranch, OPENWRT_BRANCHES } from '../../shared/upstream/branch.ts';
import { OPENWRT } from '../../shared/upstream/distro.ts';
import { MONTH } from './parameters.ts';
import type { Contents, Documents, Upstream } from './upstream.ts';

/** One request. */
export interface Question {
  readonly at: number;
  readonly version: string;
  readonly target: number;
  /** The same text for the same image, whatever the spelling. */
  readonly wish: string;
  /** Worked out when first asked for: most answers do without. */
  contents(): Contents;
  /** When an image made now will be outdated. */
  outdatedFrom(): number;
  readonly asked: Readonly<Record<string, unknown>> & { readonly packages: readonly string[] };
  /** `asked` as JSON, and its digest. */
  readonly spelling: string;
  readonly digest: string;
  readonly client: string | null;
  /** What the client makes its request depend on, read from the server that it asks. */
  conditions(upstream: Documents): Conditions;
  /** The same, read from upstream itself. */
  conditionsNow(): Conditions;
}

export type Answer =
  | { readonly kind: 'at once' | 'joined' | 'built'; readonly isStale: boolean; readonly isNeedless: boolean }
  | { readonly kind: 'refused' };

export interface Server {
  readonly name: string;
  ask(question: Question): Answer;
  /** Names that were given to wishes. */
  identities(): number;
}

interface Build {
  readonly wish: string;
  readonly startedAt: number;
  readonly outdatedFrom: number;
}

const finishedAt = (build: Build): number => build.startedAt + MONTH.buildSeconds;

/** Builds by identity; what all three have in common. */
class Builds {
  readonly #byIdentity = new Map<string, Build>();
  /** Until when the best image of a wish that there is was or will be right. */
  readonly #rightUntil = new Map<string, number>();

  get size(): number {
    return this.#byIdentity.size;
  }

  answer(
    identity: string,
    { at, wish, outdatedFrom }: Question,
    isUsable: (build: Build) => boolean,
    beforeBuild = () => {},
  ): Answer {
    const known = this.#byIdentity.get(identity);
    // Two wishes under one name would be somebody else's firmware on somebody's router.
    if (known && known.wish !== wish) throw new Error(`${identity} is both ${known.wish} and ${wish}`);
    if (known && at < finishedAt(known))
      return { kind: 'joined', isStale: known.outdatedFrom <= finishedAt(known), isNeedless: false };
    if (known && isUsable(known)) return { kind: 'at once', isStale: known.outdatedFrom <= at, isNeedless: false };
    beforeBuild();
    const build = { wish, startedAt: at, outdatedFrom: outdatedFrom() };
    const rightUntil = this.#rightUntil.get(wish) ?? 0;
    this.#byIdentity.set(identity, build);
    this.#rightUntil.set(wish, Math.max(rightUntil, build.outdatedFrom));
    return { kind: 'built', isStale: build.outdatedFrom <= finishedAt(build), isNeedless: rightUntil > at };
  }
}

export const digest = (text: string): string => hash('sha256', text, 'base64');

/** A body's text, as it goes over the wire. */
function bodyOf(question: Question, { version_code, packages_versions }: Conditions): string {
  const more = JSON.stringify({
    ...(version_code !== '' && { version_code }),
    ...(Object.keys(packages_versions).length > 0 && { packages_versions }),
    ...(question.client !== null && { client: question.client }),
  });
  return more === '{}' ? question.spelling : `${question.spelling.slice(0, -1)},${more.slice(1)}`;
}

/** The hash of the body, letter by letter. */
export function literalServer(): Server {
  const builds = new Builds();
  return {
    name: 'literal hash',
    identities: () => builds.size,
    ask(question) {
      const identity = digest(bodyOf(question, question.conditionsNow()));
      return builds.answer(identity, question, (build) => isAlive(build, question.at));
    },
  };
}

/**
 * What the peer (openwrt/asu) hashes: packages sorted and without repetitions, the profile's id; not the file system and
 * not the client; revision, package versions and `diff_packages` as they were sent.
 */
export function peerServer(): Server {
  const builds = new Builds();
  const known = new Map<string, string>();
  return {
    name: 'peer’s hash',
    identities: () => builds.size,
    ask(question) {
      const { at, version, asked } = question;
      const { version_code, packages_versions } = question.conditionsNow();
      let fields = known.get(question.digest);
      if (fields === undefined) {
        const packages = new Set(asked.packages.map((name) => name.replace(/^\+/, '')));
        const profile = String(asked.profile).replaceAll(',', '_');
        const flags = [asked.diff_packages === true, asked.rootfs_size_mb ?? null];
        fields = digest(JSON.stringify([version, asked.target, profile, [...packages].sort(), ...flags]));
        known.set(question.digest, fields);
      }
      const versions = Object.keys(packages_versions).length === 0 ? '' : digest(JSON.stringify(packages_versions));
      return builds.answer(`${fields} ${version_code} ${versions}`, question, (build) => isAlive(build, at));
    },
  };
}

const isAlive = (build: Build, at: number): boolean => at < finishedAt(build) + MONTH.literalLifeSeconds;

/** Ours, with the copies of upstream's documents that an edge would have. */
export function ourServer(upstream: Upstream): Server {
  const builds = new Builds();
  const copies = new EdgeCopies(upstream);
  /** As the edge remembers wishes and freshness, but without its bounds: time is not what is measured here. */
  const intents = new Map<string, string>();
  const verdicts = new Map<string, { readonly of: string; readonly isFresh: boolean }>();
  return {
    name: 'ours',
    identities: () => builds.size,
    ask(question) {
      const { at, version, target } = question;
      const view = copies.view(version, target, at);
      const conditions = question.conditions(view);
      let intent = intents.get(question.digest);
      if (intent === undefined) {
        intent = intentOf(bodyOf(question, conditions), view);
        intents.set(question.digest, intent);
      }
      const isUsable = (build: Build): boolean => {
        const state = `${build.startedAt} ${view.target.imageBuilder.sha256} ${view.arch.packagesDigest}`;
        let verdict = verdicts.get(intent);
        if (verdict?.of !== state) {
          verdict = { of: state, isFresh: isBuildFresh(build, question.contents(), view) };
          verdicts.set(intent, verdict);
        }
        if (verdict.isFresh && Object.keys(conditions.packages_versions).length > 0) {
          const manifest = upstream.manifest(question.contents(), build.startedAt);
          checkPackageVersions(conditions, (name) => manifest[name], 'is an error');
        }
        return verdict.isFresh;
      };
      try {
        checkRevision(conditions, view.target.versionCode);
        return builds.answer(intent, question, isUsable, () =>
          checkAtLease(conditions, upstream.documents(version, target, at)),
        );
      } catch (error) {
        if (error instanceof BuildError) return { kind: 'refused' };
        throw error;
      }
    },
  };

  function isBuildFresh(build: Build, contents: Contents, view: Documents): boolean {
    const { imageBuilder } = upstream.target(contents.version, contents.target, build.startedAt);
    const manifest = upstream.manifest(contents, build.startedAt);
    return isFresh({ pins: { imageBuilder }, manifest, unindexed: [] }, view.target, view.arch);
  }
}

function intentOf(body: string, { target }: Documents): string {
  const parsed = parseBuildRequest(JSON.parse(body));
  if (!parsed.ok) throw new Error(`the month made an invalid request: ${parsed.errors[0]?.message} in ${body}`);
  const branch = findBranch(OPENWRT_BRANCHES, target.version);
  if (!branch) throw new Error(`expected a branch for ${target.version}`);
  const request = normalizeRequest(parsed.request, branch, target, {
    allowDefaults: false,
    maxDefaultsBytes: 0,
    maxRootfsSizeMb: 1024,
    repositoryAllowList: [],
    distros: [OPENWRT],
    defaultsKey: new Uint8Array(32),
  });
  return intentHash('1', request);
}

/** A build is made from what upstream is then, which the client may not have seen yet. */
function checkAtLease(conditions: Conditions, { target, arch }: Documents): void {
  checkRevision(conditions, target.versionCode);
  checkPackageVersions(conditions, (name) => indexedVersion(name, target, arch), 'says nothing');
}

/**
 * Upstream as the edge knows it: late by the worst case while somebody asks, and older than that for who asks first after
 * a pause, since a copy is served before it is checked.
 */
class EdgeCopies {
  readonly #upstream: Upstream;
  /** `seenAt`: as of when the oldest copy is that an isolate may still hold. */
  readonly #copies = new Map<string, { hotSince: number; askedAt: number; seenAt: number }>();

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  view(version: string, target: number, at: number): Documents {
    const ofTarget = this.#seenAt(`target ${version} ${target}`, at);
    const ofArch = this.#seenAt(`arch ${version} ${target % MONTH.architectures}`, at);
    return {
      target: this.#upstream.target(version, target, ofTarget),
      arch: this.#upstream.arch(version, target, ofArch),
    };
  }

  #seenAt(document: string, at: number): number {
    const copy = this.#copies.get(document);
    if (!copy) {
      // Nobody has it: the first waits for the Catalogue.
      this.#copies.set(document, { hotSince: at, askedAt: at, seenAt: at });
      return at;
    }
    const coldFrom = copy.askedAt + MONTH.catalogueHotSeconds;
    const spread = at - MONTH.catalogueLagSeconds;
    if (at > coldFrom) {
      copy.seenAt = Math.max(copy.seenAt, Math.min(coldFrom, spread));
      copy.hotSince = at;
    } else if (spread >= copy.hotSince) copy.seenAt = Math.max(copy.seenAt, spread);
    copy.askedAt = at;
    return copy.seenAt;
  }
}
