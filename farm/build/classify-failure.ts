/**
 * From what an ImageBuilder printed to what the user is told. make's own exit status is 2 for everything, so the text
 * decides. Faults of mirrors and machines come first: a feed that cannot be fetched ends as "Cannot install package" and
 * "no such package" as well, and would else be shown, and remembered, as an impossible selection.
 */
import { BUILD_ERRORS, type BuildErrorKind, unsupportedProfile } from '../../shared/build/build-error.ts';
import { isPackageName, PROFILE_ID } from '../../shared/request/grammar.ts';
import type { Overrun as FenceOverrun } from '../fence/bounds.ts';
import type { Era } from '../imagebuilder/era.ts';
import type { Trouble as ProxyTrouble } from '../packages/proxy-trouble.ts';
import { apkObstacles, bareName } from './apk-obstacles.ts';
import { EXHAUSTIONS, firstFault, MACHINE_FAULTS, MIRROR_FAULTS } from './fault-table.ts';
import type { FailureParts } from './image-builder-failure.ts';
import { opkgObstacles } from './opkg-obstacles.ts';
import { isSameForAll, type Printed, printedLines, type Recipe } from './printed-lines.ts';
import { selectionFailure } from './selection-failure.ts';

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** What the node's package proxy could not give to the build: a mirror's fault, or the machine's own. */
export type Trouble = Pick<ProxyTrouble, 'url' | 'what' | 'kind'>;

/** The bound at which the node stopped the build. */
export type Overrun = Pick<FenceOverrun, 'bound'>;

/** What is known of a build beside its text. */
export interface Evidence {
  readonly era?: Era;
  readonly trouble?: readonly Trouble[];
  readonly overrun?: Overrun | null;
}

export interface EndedStage extends Output, Evidence {
  readonly stage: 'info' | 'manifest' | 'image';
  readonly ended:
    | { readonly state: 'exited'; readonly exitCode: number }
    | { readonly state: 'signalled'; readonly signal: string };
}

export function classifyFailure({ stage, ended, ...output }: EndedStage): FailureParts {
  const printed = printedLines(output);
  const fault = findFault(printed, output);
  if (fault) return fault;
  if (ended.state === 'signalled') return killed(ended);
  if (stage === 'info') return blameless('internal', 'make info failed');
  if (printed.recipe !== null && isSameForAll(printed.recipe))
    return blameless('internal', `the ImageBuilder failed at ${printed.recipe}`);
  return (
    unknownProfile(printed) ??
    unsolvable(printed) ??
    (canFailIn(printed, 'build_image') && isTooBig(printed) ? plain('image_too_big') : null) ??
    noKernel(printed) ??
    failedScript(printed) ??
    plain('build_failed')
  );
}

/** Of a make that failed: what the machine ran out of; null where something else was wrong. */
export function findExhaustion({ ended, ...output }: Pick<EndedStage, 'ended' | keyof Output>): FailureParts | null {
  const fault = firstFault(EXHAUSTIONS, printedLines(output), null);
  if (fault) return blameless(fault.kind, fault.because);
  return ended.state === 'signalled' ? killed(ended) : null;
}

/** Nothing in a build kills by signal but the kernel (memory) and whoever runs the machine. */
const killed = ({ signal }: { readonly signal: string }): FailureParts =>
  blameless('internal', `the build was killed by ${signal}`);

/** For `make image` that ended well and made nothing: the ImageBuilder leaves out an image that is too big, with status 0. */
export function classifyMissingImage(output: Output & Evidence): FailureParts {
  const printed = printedLines(output);
  return findFault(printed, output) ?? plain(isTooBig(printed) ? 'image_too_big' : 'no_sysupgrade');
}

export const saysTooBig = (output: Output): boolean => isTooBig(printedLines(output));

/** The list of packages of a feed, or its signature. */
const INDEX_FILE = /\/(?:Packages|Packages\.gz|Packages\.sig|packages\.adb)$/;

/**
 * A feed that could not be read although make ended well: the packages came from the other feeds, perhaps in other
 * versions or by other providers. Two nodes would then make different images of one order, so it counts as a failure.
 */
export function findUnreadFeed({ era, trouble = [], ...output }: Output & Evidence): FailureParts | null {
  const unread = trouble.find(({ url }) => INDEX_FILE.test(url));
  if (unread) return troubled(unread);
  const rows = MIRROR_FAULTS.filter((row) => row.spoilsSuccess);
  const fault = firstFault(rows, printedLines(output), era ?? null);
  return fault && blameless(fault.kind, fault.because);
}

/** Null where nothing points to a fault of a mirror or a machine. What was measured goes before what was printed. */
function findFault(printed: Printed, { era, trouble = [], overrun }: Evidence): FailureParts | null {
  if (overrun) return overran(overrun);
  const ofMachine = firstFault(MACHINE_FAULTS, printed, era ?? null);
  if (ofMachine) return blameless(ofMachine.kind, ofMachine.because);
  const worst = trouble.find(({ kind }) => kind !== 'upstream_unavailable') ?? trouble[0];
  if (worst) return troubled(worst);
  const ofMirror = firstFault(MIRROR_FAULTS, printed, era ?? null);
  return ofMirror && blameless(ofMirror.kind, ofMirror.because);
}

function overran({ bound }: Overrun): FailureParts {
  if (bound === 'free space' || bound === 'free files') return blameless('disk_full', 'no space left');
  if (bound === 'machine memory') return blameless('internal', 'the machine ran out of memory');
  const what = bound === 'disk' ? 'disk space' : bound;
  return blameless('internal', `the build used more ${what} than a build may`);
}

/** Long enough for a feed's URL; what a package's script asked the proxy for has any length. */
const TOLD_LENGTH = 300;

const troubled = ({ url, what, kind }: Trouble): FailureParts =>
  blameless(kind, `${tellable(url)} ${tellable(what)}`.trimEnd());

const tellable = (text: string): string => text.slice(0, TOLD_LENGTH).replaceAll(/[^ -~]/g, '?');

/** Where make names another stage, a script printed the words. */
const canFailIn = ({ recipe }: Printed, stage: Recipe): boolean => recipe === null || recipe === stage;

function unknownProfile(printed: Printed): FailureParts | null {
  if (!canFailIn(printed, '_check_profile')) return null;
  const profile = caughtIn(printed.stdout, /^Profile "([^"]*)" does not exist!$/);
  if (profile === undefined) return null;
  return PROFILE_ID.test(profile)
    ? { ...plain('unsupported'), detail: unsupportedProfile(profile.slice(0, TOLD_LENGTH)) }
    : plain('unsupported');
}

function unsolvable(printed: Printed): FailureParts | null {
  if (!canFailIn(printed, 'package_install')) return null;
  const [opkg, apk] = [opkgObstacles(printed.collected), apkObstacles(printed)];
  return selectionFailure({
    missing: [...opkg.missing, ...apk.missing],
    conflicting: [...opkg.conflicting, ...apk.conflicting],
  });
}

/** Each recipe that checks a size has words of its own; these are in all of them. A disk that is full has others. */
const isTooBig = ({ stderr }: Printed): boolean =>
  stderr.some((line) => /too big|^error: .*out of space\?$/.test(line));

function noKernel(printed: Printed): FailureParts | null {
  const pattern = /^make(?:\[[0-9]+\])?: \*\*\* (No rule to make target) '[^']*-kernel\.bin'.*$/;
  if (caughtIn(printed.stderr, pattern) === undefined) return null;
  return {
    ...plain('no_sysupgrade'),
    detail: `${BUILD_ERRORS.no_sysupgrade.text}: its ImageBuilder has no kernel for it`,
  };
}

function failedScript({ collected, stderr }: Printed): FailureParts | null {
  const opkg = caughtIn(collected, /^ \* pkg_run_script: package "(\S+)" \w+ script returned status .*$/);
  const apk = caughtIn(stderr, /^\w[\w-]* script (\S+) has failed with exit code [0-9]+$/);
  const name = opkg ?? (apk === undefined ? undefined : packageOfScript(apk));
  if (name === undefined || !isPackageName(name)) return null;
  return {
    ...plain('build_failed'),
    detail: `${BUILD_ERRORS.build_failed.text}: the installation script of ${name} failed`,
  };
}

/** `./lib/apk/db/tmux-3.5-r1.X179ab4e….post-install` */
function packageOfScript(file: string): string {
  const base = file.slice(file.lastIndexOf('/') + 1);
  const end = base.lastIndexOf('.X');
  return bareName(end === -1 ? base : base.slice(0, end));
}

function caughtIn(lines: readonly string[], pattern: RegExp): string | undefined {
  for (const line of lines) {
    const match = pattern.exec(line);
    if (match) return match[1];
  }
  return undefined;
}

const plain = (kind: BuildErrorKind): FailureParts => ({
  kind,
  detail: BUILD_ERRORS[kind].text,
  missingPackages: [],
  conflictingPackages: [],
});

function blameless(kind: BuildErrorKind, because: string): FailureParts {
  const [sentence = ''] = BUILD_ERRORS[kind].text.split('. This is not');
  return { ...plain(kind), detail: `${sentence} (${because}). This is not a fault of your request` };
}
