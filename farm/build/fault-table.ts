/**
 * Sentences of make, opkg, apk and the tools behind them that say that a failure is not the user's: one table, read from the
 * top, the machine before the mirror. Each pattern is one whole line, in the words of the real tool (the captured logs are
 * its tests), and has at most one `.*`, so that it takes time in proportion to the line.
 *
 * What cannot be told apart: a script that prints a tool's whole line into the tool's stream, one that kills its make, and one
 * whose own `cp` finds the disk full (which then is the truth). It makes a failure of its own build ours, which is tried again
 * and remembered nowhere. The other way round, a fault of ours as the user's, takes a process that outlives its script and
 * prints behind opkg's last word.
 */
import type { BuildErrorKind } from '../../shared/build/build-error.ts';
import type { Era } from '../imagebuilder/era.ts';
import type { Printed, Recipe } from './printed-lines.ts';

export interface FaultRow {
  readonly pattern: RegExp;
  /** The lines to look at. `both`: older ImageBuilders print it to the one, newer ones to the other. */
  readonly place: 'stderr' | 'both' | 'collected';
  readonly era: Era | 'any';
  readonly kind: BuildErrorKind;
  /** The only stage that can fail of it; where make names another one, a script printed it. */
  readonly recipe?: Recipe;
  /** A clause for the sentence, given what the pattern caught. */
  readonly because: (caught: string) => string;
  /** True where the ImageBuilder may go on and end well, with something else than was ordered. */
  readonly spoilsSuccess?: true;
}

const noSpace = () => 'no space left';
const noResources = () => 'the machine ran out of memory or another resource';
const noTools = () => 'the machine lacks tools that the ImageBuilder needs';
const disturbed = () => 'the working tree was disturbed';
const unread = (url: string) => `${url} could not be fetched`;

/** Room or memory that ran out: whatever was being written is half done, and it may go well a moment later. */
export const EXHAUSTIONS: readonly FaultRow[] = [
  // As every tool says it: "cp: error writing 'x': No space left on device". make_ext4fs has other words for a full image.
  {
    kind: 'disk_full',
    era: 'any',
    place: 'stderr',
    pattern: /^(?: \* )?[\w./+[\]-]+: (?:.*: )?(?:No space left on device|Disk quota exceeded)\.?$/,
    because: noSpace,
  },
  {
    kind: 'disk_full',
    era: 'any',
    place: 'stderr',
    pattern: /^(?:OS|IO)Error: \[Errno (?:28|122)\] .*$/,
    because: noSpace,
  },
  {
    kind: 'disk_full',
    era: 'any',
    place: 'stderr',
    pattern:
      /^(?:Write failed because No space left on device|FATAL ERROR: {0,2}Probably out of space on output (?:filesystem|block device))$/,
    because: noSpace,
  },
  // Asked before it unpacks. What follows is what opkg says of a name that nobody has.
  {
    kind: 'disk_full',
    era: 'opkg',
    place: 'collected',
    recipe: 'package_install',
    pattern: /^ \* verify_pkg_installable: Only have [0-9]+kb available on filesystem .*, pkg \S+ needs [0-9]+$/,
    because: noSpace,
  },
  {
    kind: 'internal',
    era: 'any',
    place: 'stderr',
    pattern:
      /^(?: \* )?[\w./+[\]-]+: (?:.*: )?(?:Cannot allocate memory|Resource temporarily unavailable|Cannot fork|Too many open files(?: in system)?|Read-only file system|Input\/output error|File too large|File size limit exceeded|memory exhausted)\.?$/,
    because: noResources,
  },
  {
    kind: 'internal',
    era: 'any',
    place: 'stderr',
    pattern:
      /^(?:MemoryError|Out of memory!|FATAL ERROR: {0,2}Out of memory.*|Killed|\S+ line [0-9]+: +[0-9]+ (?:Killed|File size limit exceeded)(?: .*)?)$/,
    because: noResources,
  },
  {
    kind: 'internal',
    era: 'any',
    place: 'stderr',
    pattern: /^make(?:\[[0-9]+\])?: \*\*\* \[.*\] (?:Killed|File size limit exceeded|Error 137)$/,
    because: noResources,
  },
];

/** Of the machine that builds. Whatever else was printed followed from it. */
export const MACHINE_FAULTS: readonly FaultRow[] = [
  ...EXHAUSTIONS,
  {
    kind: 'internal',
    era: 'any',
    place: 'both',
    pattern: /^(?:Prerequisite check failed\. Use FORCE=1 to override\.|Preparation failed\.)$/,
    because: noTools,
  },
  {
    kind: 'internal',
    era: 'any',
    place: 'stderr',
    pattern:
      /^[\w./-]+: (?:[0-9]+: )?(?:failed to execute )?'?make'?: (?:not found|command not found|No such file or directory)$/,
    because: noTools,
  },
  {
    kind: 'internal',
    era: 'any',
    place: 'stderr',
    pattern: /^rm: cannot remove '.*\/build_dir\/target-[^/']+\/root-[^/']+': Directory not empty$/,
    because: disturbed,
  },
  {
    kind: 'internal',
    era: 'opkg',
    place: 'collected',
    pattern:
      /^ \* (?:opkg_conf_write_status_files: Can't open|opkg_verify_integrity: Failed to stat|file_copy: Failed to copy file) .*$/,
    because: disturbed,
  },
  // `name=version` is what the ImageBuilder itself asks for; apk takes it for a package's file where there is one of that name,
  // which a build left that ran in this very tree. Of a package that was fetched apk says `name-version`.
  {
    kind: 'internal',
    era: 'apk',
    place: 'stderr',
    recipe: 'package_install',
    pattern: /^ERROR: [A-Za-z0-9][\w.+-]*=[^\s:/]+: .*$/,
    because: disturbed,
  },
];

/** Of mirrors, and of what they serve. */
export const MIRROR_FAULTS: readonly FaultRow[] = [
  {
    kind: 'upstream_unavailable',
    era: 'opkg',
    place: 'both',
    pattern: /^\*\*\* Failed to download the package list from (\S+)$/,
    spoilsSuccess: true,
    because: unread,
  },
  {
    kind: 'upstream_unavailable',
    era: 'opkg',
    place: 'both',
    pattern: /^Signature check failed\.$/,
    spoilsSuccess: true,
    because: () => 'the signature of a package list is wrong',
  },
  {
    kind: 'upstream_unavailable',
    era: 'opkg',
    place: 'both',
    pattern: /^Signature file download failed\.$/,
    spoilsSuccess: true,
    because: () => 'the signature of a package list could not be fetched',
  },
  {
    kind: 'upstream_unavailable',
    era: 'opkg',
    place: 'collected',
    recipe: 'package_install',
    pattern: /^ \* opkg_download: Failed to download (\S+), wget returned [0-9]+\.$/,
    because: unread,
  },
  {
    kind: 'upstream_unavailable',
    era: 'opkg',
    place: 'collected',
    recipe: 'package_install',
    pattern: /^ \* opkg_install_pkg: Failed to download (\S+)\. Perhaps you need to run 'opkg update'\?$/,
    because: (name) => `package ${name} could not be fetched`,
  },
  {
    kind: 'upstream_unavailable',
    era: 'opkg',
    place: 'collected',
    recipe: 'package_install',
    pattern: /^ \* opkg_install_pkg: Checksum or size mismatch for package (\S+)\. Either .*$/,
    because: (name) => `package ${name} is not the one that its list names`,
  },
  {
    kind: 'upstream_unavailable',
    era: 'apk',
    place: 'stderr',
    pattern: /^WARNING: updating and opening (\S+): UNTRUSTED signature$/,
    spoilsSuccess: true,
    because: (url) => `the signature of ${url} is not one that is trusted`,
  },
  {
    kind: 'upstream_unavailable',
    era: 'apk',
    place: 'stderr',
    pattern: /^WARNING: (?:updating and opening|opening from cache) (https?:\/\/\S+): .*$/,
    spoilsSuccess: true,
    because: unread,
  },
  {
    kind: 'upstream_unavailable',
    era: 'apk',
    place: 'stderr',
    recipe: 'package_install',
    pattern: /^ERROR: wget: (?:exited with error|killed by signal) [0-9]+$/,
    because: () => 'a package or a list could not be fetched',
  },
  // The rest of apk's own words for its errors (apk-tools, src/print.c).
  {
    kind: 'upstream_unavailable',
    era: 'apk',
    place: 'stderr',
    recipe: 'package_install',
    pattern:
      /^ERROR: (\S+): (?:file format is .*|unexpected end of file|(?:BAD|UNTRUSTED) signature|(?:incompatible )?ADB .*|v2 (?:package|index) .*|file integrity error|cache not available|package mentioned in index not found .*|remote server returned error .*|network (?:connection aborted|error .*)|could not connect to server .*|temporary error .*|operation timed out|DNS: .*|HTTP [0-9]+: .*)$/,
    because: (name) => `${name} could not be fetched whole`,
  },
];

const KEPT_LENGTH = 300;

/** The first row that has a line among what was printed; null where none has. */
export function firstFault(
  rows: readonly FaultRow[],
  printed: Printed,
  era: Era | null,
): { readonly kind: BuildErrorKind; readonly because: string } | null {
  for (const row of rows) {
    if (era !== null && row.era !== 'any' && row.era !== era) continue;
    if (row.recipe !== undefined && printed.recipe !== null && row.recipe !== printed.recipe) continue;
    for (const line of linesAt(row.place, printed)) {
      const match = row.pattern.exec(line);
      if (match) return { kind: row.kind, because: row.because((match[1] ?? '').slice(0, KEPT_LENGTH)) };
    }
  }
  return null;
}

function linesAt(place: FaultRow['place'], printed: Printed): readonly string[] {
  if (place === 'collected') return printed.collected;
  return place === 'both' ? [...printed.stderr, ...printed.stdout] : printed.stderr;
}
