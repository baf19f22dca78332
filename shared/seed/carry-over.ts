/**
 * From the packages that a router has to those that it is to have: by the names that the offered version knows them under. Every
 * package of the outcome is one that version has, whatever the router sent and in whatever order.
 *
 *   installed name ─▶ its later name, by both tables of changes ─▶ without an ABI ─▶ there? carried over
 *                                                                                └▶ of the base system, or changed by a table? gone
 *                                                                                     └▶ unsettled: another index has to say
 */
import { indexedVersion } from '../build/freshness.ts';
import { isProvided } from '../request/package-check.ts';
import type { Branch } from '../upstream/branch.ts';
import type { ArchDocument, TargetDocument } from '../upstream/catalogue-document.ts';
import { laterName } from '../upstream/package-changes.ts';
import { baseSuccessor, isIgnored } from './base-packages.ts';
import { historicName, isHistoric } from './historic-changes.ts';
import { revisionNumber } from './revision-order.ts';
import { PlainPackages } from './scan-pairs.ts';
import { NOTHING_STEADY, partSteady, type SteadyPackages } from './steady-packages.ts';
import type { InstalledPackages } from './upgrade-check-fields.ts';

/** What packages a version has for a target. */
export interface VersionIndex {
  readonly target: TargetDocument;
  readonly arch: ArchDocument;
}

export interface Journey {
  /** What runs now. */
  readonly version: string;
  readonly revision: string;
  /** The branch it is of, where it is one that we know. */
  readonly from: Branch | undefined;
  readonly to: Branch;
}

export interface CarriedPackage {
  /** In the offered version. */
  readonly name: string;
  /** Absent for what another package provides: that has no version of its own. */
  readonly offered: string | undefined;
  /** The version that is installed, of the package that it was. */
  readonly installed: string;
}

export interface CarriedOver {
  /** Carried over as they are; none of them is among the others. */
  readonly steady: SteadyPackages;
  /** Each name once, in no order that means a thing. */
  readonly packages: readonly CarriedPackage[];
  /** Installed names without a successor, of which it is known that nobody chose them. */
  readonly gone: readonly string[];
  /** Installed names that nothing here knows of. */
  readonly unsettled: readonly string[];
}

export function carryOver(installed: InstalledPackages, journey: Journey, offered: VersionIndex): CarriedOver {
  const { steady, others } =
    installed instanceof PlainPackages
      ? partSteady(installed, offered.target, offered.arch)
      : { steady: NOTHING_STEADY, others: installed };
  const rename = renamesOf({ has: (name) => others.has(name) || steady.has(name) }, journey);
  /** Where two packages become one, its own counts, or else the first in the order of names. */
  const sources = new Map<string, string>();
  const gone: string[] = [];
  const unsettled: string[] = [];
  for (const name of others.keys()) {
    if (isIgnored(name)) continue;
    const fate = fateOf(name, offered, rename);
    if (fate.state === 'gone') gone.push(name);
    else if (fate.state === 'unsettled') unsettled.push(name);
    else if (fate.state === 'carried' && !steady.has(fate.name)) {
      const other = sources.get(fate.name);
      if (other === undefined || name === fate.name || (other !== fate.name && name < other))
        sources.set(fate.name, name);
    }
  }
  const packages = Array.from(sources, ([name, source]) => ({
    name,
    offered: indexedVersion(name, offered.target, offered.arch),
    installed: others.get(source) ?? '',
  }));
  return { steady, packages, gone, unsettled };
}

/** Whether a version has such a package, be it under a name with an ABI version or as another's second name. */
export const hasPackage = (index: VersionIndex, name: string): boolean =>
  isProvidedIn(index, name) ||
  isIndexed(
    index,
    bareName(name, (one) => isIndexed(index, one)),
  );

const isIndexed = ({ target, arch }: VersionIndex, name: string): boolean =>
  indexedVersion(name, target, arch) !== undefined;

const isProvidedIn = ({ target, arch }: VersionIndex, name: string): boolean =>
  isProvided(target, name) || isProvided(arch, name);

type Rename = (name: string) => string | null;

function renamesOf(installed: Pick<ReadonlySet<string>, 'has'>, journey: Journey): Rename {
  const since = revisionsIn(journey);
  const modern: Rename = (name) => laterName(name, since, journey.to);
  if (!isHistoric(journey.version)) return modern;
  return (name) => {
    const historic = historicName(name, installed);
    return historic === null ? null : modern(historic);
  };
}

/** How many revisions of main the installed version has; of a branch that is older than all that we know, none that matters. */
function revisionsIn({ from, revision }: Journey): number {
  if (!from) return 0;
  return from.branchOffRevision ?? revisionNumber(revision) ?? Infinity;
}

type Fate =
  | { readonly state: 'carried'; readonly name: string }
  /** By a table of changes, which needs no word. */
  | { readonly state: 'dropped' }
  | { readonly state: 'gone' }
  | { readonly state: 'unsettled' };

function fateOf(name: string, offered: VersionIndex, rename: Rename): Fate {
  // As most do.
  if (rename(name) === name && isIndexed(offered, name)) return { state: 'carried', name };
  const isThere = (one: string): boolean => isIndexed(offered, one);
  const bare = bareName(name, (one) => isThere(one) || rename(one) !== one);
  const later = rename(bare);
  if (later === null) return { state: 'dropped' };
  if (isThere(later) || isProvidedIn(offered, later)) return { state: 'carried', name: later };
  // The tables may name a successor that this version has not.
  if (isThere(bare) || isProvidedIn(offered, bare)) return { state: 'carried', name: bare };
  const successor = baseSuccessor(later);
  if (successor && isThere(successor)) return { state: 'carried', name: successor };
  return { state: successor === undefined && later === bare ? 'unsettled' : 'gone' };
}

/** Packages whose name ends with the version of their ABI (`libubox20170601`); the digit of any other is its own (`python3`). */
const MAY_HAVE_ABI = /^(?:lib|icu|jansson|signalwire-client-c|sofia-sip)/;
/** Real ones have eleven characters at most. */
const MAX_ABI = 16;

/** The name as indexes have it, without the ABI. A name does not tell where that begins: the longest that is a package wins. */
function bareName(name: string, isPackage: (name: string) => boolean): string {
  if (isPackage(name) || !MAY_HAVE_ABI.test(name)) return name;
  for (let at = name.length - 1; at >= name.length - MAX_ABI; at--) {
    // The first of some digits. A dash sets them apart from a name that ends with one itself (`libnghttp2-14`).
    if (!isDigit(name, at) || isDigit(name, at - 1)) continue;
    const bare = name.slice(0, name[at - 1] === '-' ? at - 1 : at);
    if (isPackage(bare)) return bare;
  }
  return name;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}
