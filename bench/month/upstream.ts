/**
 * OpenWrt's mirror over a month: what it lists at any moment, as the documents that the Catalogue would compile, and when
 * something will change. All changes are drawn before the month begins, so that the truth about an image (from when on
 * is it outdated?) comes from this timetable and not from the code that is judged by it.
 */
import { LRUCache } from 'lru-cache';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import type { ArchDocument, TargetDocument } from '../../shared/upstream/catalogue-document.ts';
import {
  archOf,
  DEFAULTS_OF_FEEDS,
  DEFAULTS_OF_TARGET,
  defaultPackages,
  deviceModules,
  devicePackage,
  packageName,
  profilesOf,
  TARGET_PACKAGES,
  targetName,
  targetOf,
} from './devices.ts';
import { changesOf, closures } from './feeds.ts';
import { BRANCHES, DAY, FEED, MONTH, TRACKS } from './parameters.ts';

/** What an image is made of. */
export interface Contents {
  readonly version: string;
  readonly target: number;
  /** Of the target: defaults and the device's own. */
  readonly modules: readonly string[];
  /** Places in the feeds, dependencies included. */
  readonly packages: readonly number[];
}

/** What the edge reads for one request. */
export interface Documents {
  readonly target: TargetDocument;
  readonly arch: ArchDocument;
}

/** By the number of updates: at most one a day. */
const PACKAGE_VERSIONS = Array.from({ length: MONTH.days + 1 }, (_, updates) => `1.${updates}-r1`);

interface Installed {
  readonly places: readonly number[];
  /** 1 for each of them. */
  readonly has: Uint8Array;
}

interface Line {
  readonly branch: string;
  readonly movesEveryDays: number | null;
}

export class Upstream {
  /** Of each version: its branch's feeds, and how often its revision moves. */
  readonly #lines = new Map<string, Line>();
  /** Of each branch and package: the days on which it gets a new version. */
  readonly #changes = new Map<string, readonly (readonly number[])[]>();
  /** Of each package: itself and all that it needs. */
  readonly #closures: readonly (readonly number[])[];
  readonly #installedBy = new Map<string, Installed>();
  /** In which round of `contents` a package was met: a set that is emptied by counting on. */
  readonly #seenIn = new Uint32Array(FEED.packages);
  #round = 0;
  readonly #documents = new LRUCache<string, TargetDocument | ArchDocument>({ max: 400 });

  constructor(random: () => number) {
    for (const { branch, versions, movesEveryDays } of TRACKS)
      for (const { version } of versions) this.#lines.set(version, { branch, movesEveryDays });
    for (const { name, updatesADay } of BRANCHES) this.#changes.set(name, changesOf(updatesADay, random));
    this.#closures = closures(random);
  }

  /** Of a device's image with these selected beside all defaults but perhaps one. */
  contents(version: string, profile: number, selected: readonly number[], without: number | null): Contents {
    const { places, has } = this.#installed(profile, without);
    const packages = [...places];
    const round = ++this.#round;
    for (const root of selected)
      for (const place of this.#closures[root] ?? [])
        if (has[place] === 0 && this.#seenIn[place] !== round) {
          this.#seenIn[place] = round;
          packages.push(place);
        }
    const modules = [...DEFAULTS_OF_TARGET, ...deviceModules(profile)];
    return { version, target: targetOf(profile), modules, packages };
  }

  /** What comes without asking; remembered, since half of each image is this. */
  #installed(profile: number, without: number | null): Installed {
    const name = `${devicePackage(profile)} ${without}`;
    let installed = this.#installedBy.get(name);
    if (!installed) {
      const roots = [...DEFAULTS_OF_FEEDS.filter((place) => place !== without), devicePackage(profile)];
      const places = [...new Set(roots.flatMap((place) => this.#closures[place] ?? []))];
      const has = new Uint8Array(FEED.packages);
      for (const place of places) has[place] = 1;
      installed = { places, has };
      this.#installedBy.set(name, installed);
    }
    return installed;
  }

  documents(version: string, target: number, at: number): Documents {
    return { target: this.target(version, target, at), arch: this.arch(version, target, at) };
  }

  /** As an ImageBuilder that ran then would print it. */
  manifest({ version, target, modules, packages }: Contents, at: number): Record<string, string> {
    const state = this.#feedState(target, at);
    const revision = String(this.#revision(version, target, at));
    const manifest: Record<string, string> = {};
    for (const name of modules) manifest[name] = revision;
    for (const place of packages) manifest[packageName(place)] = this.#packageVersion(version, place, state);
    return manifest;
  }

  /** When the first newer version of anything in an image made at `at` will be there; seconds, perhaps never. */
  outdatedFrom({ version, target, packages }: Contents, at: number): number {
    const state = this.#feedState(target, at);
    const changes = this.#changesOf(version);
    let day = Number.POSITIVE_INFINITY;
    for (const place of packages)
      for (const changed of changes[place] ?? []) {
        if (changed < state) continue;
        if (changed < day) day = changed;
        break;
      }
    return Math.min(day * DAY + feedOffset(target), this.#nextRevisionAt(version, target, at));
  }

  #changesOf(version: string): readonly (readonly number[])[] {
    return this.#changes.get(this.#line(version).branch) ?? [];
  }

  #line(version: string): Line {
    const line = this.#lines.get(version);
    if (!line) throw new Error(`expected a version of the month, got ${version}`);
    return line;
  }

  /** Changes of days before it are there. */
  #feedState(target: number, at: number): number {
    return Math.max(0, Math.floor((at - feedOffset(target)) / DAY) + 1);
  }

  #revision(version: string, target: number, at: number): number {
    const { movesEveryDays } = this.#line(version);
    return movesEveryDays === null ? 0 : Math.floor((at - revisionOffset(target)) / (movesEveryDays * DAY)) + 1;
  }

  #nextRevisionAt(version: string, target: number, at: number): number {
    const { movesEveryDays } = this.#line(version);
    if (movesEveryDays === null) return Number.POSITIVE_INFINITY;
    return this.#revision(version, target, at) * movesEveryDays * DAY + revisionOffset(target);
  }

  #packageVersion(version: string, place: number, state: number): string {
    let changes = 0;
    for (const day of this.#changesOf(version)[place] ?? []) if (day < state) changes++;
    return PACKAGE_VERSIONS[changes] ?? '';
  }

  target(version: string, target: number, at: number): TargetDocument {
    const revision = this.#revision(version, target, at);
    return this.#remembered(`${version} ${targetName(target)} ${revision}`, (name) => ({
      kind: 'target',
      version,
      target: targetName(target),
      versionCode: `r${30000 + revision}-${sha256Hex(name).slice(0, 10)}`,
      archPackages: `arch${archOf(target)}`,
      defaultPackages,
      profiles: profilesOf(target),
      imageBuilder: { path: name, sha256: sha256Hex(name) },
      feeds: [],
      packages: Object.fromEntries(TARGET_PACKAGES.map((each) => [each, String(revision)])),
      packagesDigest: sha256Hex(`${name} packages`),
      provides: [],
      providesKnown: true,
      signedBy: 'the month',
      fetchedAt: at,
      checkedAt: at,
    }));
  }

  arch(version: string, target: number, at: number): ArchDocument {
    const state = this.#feedState(target, at);
    const arch = `arch${archOf(target)}`;
    return this.#remembered(`${this.#line(version).branch} ${arch} ${state}`, (name) => ({
      kind: 'arch',
      version,
      arch,
      feeds: [],
      packages: Object.fromEntries(
        Array.from({ length: FEED.packages }, (_, n) => [packageName(n), this.#packageVersion(version, n, state)]),
      ),
      packagesDigest: sha256Hex(name),
      provides: [],
      providesKnown: true,
      fetchedAt: at,
      checkedAt: at,
    }));
  }

  #remembered<Document extends TargetDocument | ArchDocument>(
    name: string,
    make: (name: string) => Document,
  ): Document {
    let document = this.#documents.get(name) as Document | undefined;
    if (!document) {
      document = make(name);
      this.#documents.set(name, document);
    }
    return document;
  }
}

/** Seconds after midnight: architectures and targets come off the build farm one after the other. */
const feedOffset = (target: number): number => (archOf(target) * DAY) / MONTH.architectures;
const revisionOffset = (target: number): number => (target * DAY) / MONTH.targets;
