/**
 * From what an ImageBuilder printed to what the user is told. make's own exit status is 2 for everything, so the text
 * decides. Faults of mirrors and machines come first: a feed that cannot be fetched ends as "Cannot install package" and
 * "no such package" as well, and would else be shown, and remembered, as an impossible selection.
 */
import {
  BUILD_ERRORS,
  type BuildErrorKind,
  impossibleSelection,
  unsupportedProfile,
} from '../../shared/build-error.ts';
import type { FailureParts } from './image-builder-failure.ts';

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

export interface EndedStage extends Output {
  readonly stage: 'info' | 'manifest' | 'image';
  readonly ended:
    | { readonly state: 'exited'; readonly exitCode: number }
    | { readonly state: 'signalled'; readonly signal: string };
}

interface Row {
  readonly pattern: RegExp;
  readonly kind: BuildErrorKind;
  /** A clause for the sentence, given what the pattern caught. */
  readonly because: (caught: string) => string;
  /** True where the ImageBuilder may go on and end well, with something else than was ordered. */
  readonly spoilsSuccess?: true;
}

/** Not the user's doing, whatever else was printed. First match wins. */
const FAULTS: readonly Row[] = [
  { kind: 'disk_full', pattern: /No space left on device|Disk quota exceeded/, because: () => 'no space left' },
  {
    kind: 'internal',
    pattern:
      /Cannot allocate memory|out of memory|virtual memory exhausted|: Resource temporarily unavailable|\] Killed$|^Killed$|\bError 137\b|Too many open files|Read-only file system|Input\/output error|File size limit exceeded/im,
    because: () => 'the machine ran out of memory or another resource',
  },
  {
    kind: 'internal',
    pattern: /Prerequisite check failed|Preparation failed\.|make: not found|command not found: make/,
    because: () => 'the machine lacks tools that the ImageBuilder needs',
  },
  {
    kind: 'internal',
    pattern:
      /rm: cannot remove '[^']*'|opkg_conf_write_status_files: Can't open|opkg_verify_integrity: Failed to stat|file_copy: Failed to copy file/,
    because: () => 'the working tree was disturbed',
  },
  {
    kind: 'upstream_unavailable',
    pattern: /\*\*\* Failed to download the package list from (\S+)/,
    spoilsSuccess: true,
    because: (url) => `${url} could not be fetched`,
  },
  {
    kind: 'upstream_unavailable',
    pattern: /opkg_download: Failed to download (\S+?),? /,
    because: (url) => `${url} could not be fetched`,
  },
  {
    kind: 'upstream_unavailable',
    pattern: /opkg_install_pkg: Failed to download (\S+?)\.? /,
    because: (name) => `package ${name} could not be fetched`,
  },
  {
    kind: 'upstream_unavailable',
    pattern: /Signature check failed\./,
    spoilsSuccess: true,
    because: () => 'the signature of a package list is wrong',
  },
  {
    kind: 'upstream_unavailable',
    pattern: /Checksum or size mismatch for package (\S+?)\. /,
    because: (name) => `package ${name} is not the one that its list names`,
  },
  {
    kind: 'upstream_unavailable',
    pattern: /updating and opening (\S+): UNTRUSTED signature/,
    spoilsSuccess: true,
    because: (url) => `the signature of ${url} is not one that is trusted`,
  },
  {
    kind: 'upstream_unavailable',
    pattern: /updating and opening (\S+): /,
    spoilsSuccess: true,
    because: (url) => `${url} could not be fetched`,
  },
  {
    kind: 'upstream_unavailable',
    pattern: /ERROR: wget: exited with error|opening from cache https?:\/\//,
    because: () => 'a package or a list could not be fetched',
  },
  {
    kind: 'upstream_unavailable',
    pattern:
      /^ERROR: (\S+): (?:file format is invalid or inconsistent|unexpected end of file|BAD signature|UNTRUSTED signature|BAD archive|IO ERROR|network error|temporary error|network connection aborted|operation timed out|remote server returned error|DNS|could not connect|package mentioned in index not found|v2 package integrity error|ADB )/im,
    because: (name) => `${name} could not be fetched whole`,
  },
];

/** Null where nothing points to a fault of a mirror or a machine. */
const findFault = (output: Output): FailureParts | null => firstOf(FAULTS, output);

/**
 * A feed that could not be read although make ended well: the packages came from the other feeds, perhaps in other
 * versions or by other providers. Two nodes would then make different images of one order, so it counts as a failure.
 */
export const findUnreadFeed = (output: Output): FailureParts | null =>
  firstOf(
    FAULTS.filter((row) => row.spoilsSuccess),
    output,
  );

function firstOf(rows: readonly Row[], output: Output): FailureParts | null {
  const text = `${output.stderr}\n${output.stdout}`;
  for (const { pattern, kind, because } of rows) {
    const match = pattern.exec(text);
    if (match) return blameless(kind, because(match[1] ?? ''));
  }
  return null;
}

export function classifyFailure({ stage, ended, stdout, stderr }: EndedStage): FailureParts {
  const fault = findFault({ stdout, stderr });
  if (fault) return fault;
  // Nothing in a build kills by signal but the kernel (memory) and whoever runs the machine.
  if (ended.state === 'signalled') return blameless('internal', `the build was killed by ${ended.signal}`);
  if (stage === 'info') return blameless('internal', 'make info failed');
  const text = `${stderr}\n${stdout}`;
  return (
    unknownProfile(text) ??
    unsolvable(stderr) ??
    (/too big|out of space\?/.test(text) ? plain('image_too_big') : null) ??
    noKernel(text) ??
    failedScript(text) ??
    plain('build_failed')
  );
}

/** For `make image` that ended well and made nothing: the ImageBuilder leaves out an image that is too big, with status 0. */
export const classifyMissingImage = (output: Output): FailureParts =>
  findFault(output) ?? plain(saysTooBig(output) ? 'image_too_big' : 'no_sysupgrade');

export const saysTooBig = (output: Output): boolean => /too big/.test(`${output.stderr}\n${output.stdout}`);

function unknownProfile(text: string): FailureParts | null {
  const profile = /^Profile "([^"]*)" does not exist!/m.exec(text)?.[1];
  if (profile === undefined) return null;
  return { ...plain('unsupported'), detail: unsupportedProfile(profile) };
}

function unsolvable(stderr: string): FailureParts | null {
  const conflicts = new Set([...opkgConflicts(stderr), ...apkConflicts(stderr)]);
  const missing = new Set([...opkgMissing(stderr), ...apkMissing(stderr)]);
  for (const name of conflicts) missing.delete(name);
  if (missing.size === 0 && conflicts.size === 0) return null;
  const missingPackages = [...missing].sort();
  const conflictingPackages = [...conflicts].sort();
  return {
    kind: missingPackages.length > 0 ? 'unknown_package' : 'conflict',
    detail: impossibleSelection(missingPackages, conflictingPackages),
    missingPackages,
    conflictingPackages,
  };
}

/** A dependency that is not there takes the package down with it; then the dependency is what is missing. */
function opkgMissing(stderr: string): string[] {
  const dependencies = all(stderr, / \* pkg_hash_check_unresolved: cannot find dependency (\S+).* for \S+/g);
  const blocked = new Set(all(stderr, /candidate: Packages for (\S+) found, but incompatible/g));
  const clashes = new Set(all(stderr, /check_data_file_clashes: Package (\S+) wants/g));
  const refused = all(stderr, / \* opkg_install_cmd: Cannot install package (\S+)\.$/gm);
  return [...dependencies, ...refused.filter((name) => !blocked.has(name) && !clashes.has(name))];
}

function opkgConflicts(stderr: string): string[] {
  return [
    ...all(stderr, / \* check_conflicts_for: The following packages conflict with (\S+):/g),
    ...all(stderr, / \* check_conflicts_for: \t(\S+) \*/g),
    ...all(stderr, /check_data_file_clashes: Package (\S+) wants to install file/g),
    ...all(stderr, /\tBut that file is already provided by package {2}\* (\S+)/g),
  ];
}

const apkMissing = (stderr: string): string[] => all(stderr, /^ {2}(\S+) \((?:no such package|virtual)\):$/gm);

/** Blocks of apk's solver: a line `  name-version:` and, indented below it, what stands against it. */
function apkConflicts(stderr: string): string[] {
  const names: string[] = [];
  let current = '';
  for (const line of stderr.split('\n')) {
    if (/^ {2}\S+:$/.test(line)) current = line.trim().slice(0, -1);
    else if (/^ {4}(?:conflicts|breaks|masked in): /.test(line) && current !== '') {
      names.push(nameOf(current));
      const other = /^ {4}conflicts: ([^\s[]+)/.exec(line)?.[1];
      if (other !== undefined) names.push(nameOf(other));
    } else if (/^\S/.test(line)) current = '';
  }
  const clash = /^ERROR: (\S+): trying to overwrite \S+ owned by (\S+?)\.$/m.exec(stderr);
  return clash ? [...names, nameOf(clash[1] ?? ''), nameOf(clash[2] ?? '')] : names;
}

/** apk's `name-1.0-r1`: the version is the last part that begins with a digit, and may be followed by a revision. */
const nameOf = (nameAndVersion: string): string =>
  /^(.+)-[0-9][^-]*(?:-r[0-9]+)?$/.exec(nameAndVersion)?.[1] ?? nameAndVersion;

function noKernel(text: string): FailureParts | null {
  if (!/No rule to make target '[^']*-kernel\.bin'/.test(text)) return null;
  return {
    ...plain('no_sysupgrade'),
    detail: `${BUILD_ERRORS.no_sysupgrade.text}: its ImageBuilder has no kernel for it`,
  };
}

function failedScript(text: string): FailureParts | null {
  const opkg = /pkg_run_script: package "(\S+)" (\w+) script returned status/.exec(text)?.[1];
  const apk = /script \S*\/([^/\s]+)\.X[0-9a-f]+\.post-install has failed/.exec(text)?.[1];
  const name = opkg ?? (apk === undefined ? undefined : nameOf(apk));
  if (name === undefined) return null;
  return {
    ...plain('build_failed'),
    detail: `${BUILD_ERRORS.build_failed.text}: the installation script of ${name} failed`,
  };
}

const plain = (kind: BuildErrorKind): FailureParts => ({
  kind,
  detail: BUILD_ERRORS[kind].text,
  missingPackages: [],
  conflictingPackages: [],
});

const blameless = (kind: BuildErrorKind, because: string): FailureParts => {
  const [sentence = ''] = BUILD_ERRORS[kind].text.split('. This is not');
  return { ...plain(kind), detail: `${sentence} (${because}). This is not a fault of your request` };
};

const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1] ?? '');
