/**
 * What a build printed, cut into the places in which an ImageBuilder says a thing. Packages' scripts print into the same two
 * streams; a sentence counts only as a whole line, in its stream, and where one tells it, in the part that the tool alone
 * writes. Without that, a script with the words "Failed to download" would decide whose fault a failure is.
 */

export interface Printed {
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /**
   * The lines under opkg's last "Collected errors:". opkg keeps its errors back until it ends, so what a script printed
   * under such words of its own lies before.
   */
  readonly collected: readonly string[];
  /** The lines under apk's last "unable to select packages:"; no script has run when it says so. */
  readonly unselectable: readonly string[];
  /** The stage of the ImageBuilder's Makefile that failed, by make's own last lines; null where they do not tell. */
  readonly recipe: Recipe | null;
}

/** Of the Makefile in both eras' ImageBuilders: what works on what was asked for, and what would do the same for anybody. */
const ASKED = ['_check_profile', 'package_install', 'prepare_rootfs', 'build_image'] as const;
const SAME_FOR_ALL = [
  '_check_keys',
  'package_reload',
  'package_index',
  'json_overview_image_info',
  'checksum',
] as const;
/** They call the others, and so fail with each; by themselves they only make and empty directories. */
const CALLERS = ['_call_image', '_call_manifest'] as const;
const STAGES = [...ASKED, ...SAME_FOR_ALL] as const;
export type Recipe = (typeof STAGES)[number] | (typeof CALLERS)[number];

/** Where one of these failed, nothing that was asked for can have been the reason. */
export const isSameForAll = (recipe: Recipe): boolean =>
  [...SAME_FOR_ALL, ...CALLERS].some((candidate) => candidate === recipe);

/** Of each end of a stream. A real build prints some thousand; millions of empty ones are somebody's attempt. */
export const MAX_LINES = 10_000;
/** A path may have 4096 bytes, and two may stand in a line. What is longer is no sentence of a tool, and cut. */
export const MAX_LINE_LENGTH = 10_000;
/** make ends with a line for each level of itself, of which there are four. */
const LAST_LINES = 12;

export function printedLines(output: { readonly stdout: string; readonly stderr: string }): Printed {
  const stderr = linesOf(output.stderr);
  return {
    stdout: linesOf(output.stdout),
    stderr,
    collected: lastBlock(stderr, 'Collected errors:', /^(?: \* |\t)/),
    unselectable: lastBlock(stderr, 'ERROR: unable to select packages:', /^ {2}/),
    recipe: failedRecipe(stderr),
  };
}

/** Without colours and empty lines; a carriage return, as of a progress bar, ends a line too. */
function linesOf(printed: string): readonly string[] {
  const text = printed.replaceAll('\r', '\n');
  const first = takeLines(text, 0);
  if (first.end >= text.length) return first.lines;
  return [...first.lines, ...takeLines(text, startOfLast(text, first.end)).lines];
}

function takeLines(text: string, start: number): { readonly lines: readonly string[]; readonly end: number } {
  const lines: string[] = [];
  let at = start;
  for (let seen = 0; seen < MAX_LINES && at < text.length; seen++) {
    const newline = text.indexOf('\n', at);
    const end = newline === -1 ? text.length : newline;
    const line = withoutColours(text.slice(at, Math.min(end, at + MAX_LINE_LENGTH)));
    if (line !== '') lines.push(line);
    at = end + 1;
  }
  return { lines, end: at };
}

/** Where the last lines begin, but not before `from`. */
function startOfLast(text: string, from: number): number {
  let at = text.length;
  for (let seen = 0; seen < MAX_LINES && at > from; seen++) at = text.lastIndexOf('\n', at - 1);
  return Math.max(at + 1, from);
}

/** ECMA-48: ESC [, some parameters, one letter. Each part is bounded, so that no row of ESC [ ESC [ … takes long. */
const withoutColours = (line: string): string =>
  line.includes('\u001b') ? line.replaceAll(/\u001b\[[0-9;?]{0,16}[ -/]{0,2}[@-~]/g, '') : line;

function lastBlock(lines: readonly string[], head: string, belongs: RegExp): readonly string[] {
  const start = lines.lastIndexOf(head) + 1;
  if (start === 0) return [];
  const length = lines.slice(start).findIndex((line) => !belongs.test(line));
  return length === -1 ? lines.slice(start) : lines.slice(start, start + length);
}

/** From the end, and only as far as make's own lines go: what a script printed in make's words lies before them. */
function failedRecipe(stderr: readonly string[]): Recipe | null {
  let innermost = '';
  for (const line of stderr.slice(-LAST_LINES).reverse()) {
    const failed = /^make(?:\[[0-9]+\])?: \*\*\* \[(?:[^ \]]+: )?([^ \]]+)\] (?:Error [0-9]+|Killed)$/.exec(line);
    if (!failed) {
      // Of a stage that ended in another way, or has another name.
      if (/^make(?:\[[0-9]+\])?: \*\*\* /.test(line)) return null;
      break;
    }
    innermost = failed[1] ?? '';
    const stage = STAGES.find((candidate) => candidate === innermost);
    if (stage !== undefined) return stage;
  }
  return CALLERS.find((candidate) => candidate === innermost) ?? null;
}
