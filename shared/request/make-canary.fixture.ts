/**
 * What must never reach `make`: each value ran a command, or could, when a real ImageBuilder of either era was called with
 * it as a variable, without any shell of ours in between. Held against the edge, a node, and the demo's ImageBuilder, which
 * must run them, else the others would prove nothing.
 *
 * `CANARY` stands for a file that the value would touch.
 */

export const CANARY = '/tmp/CANARY';

export type MakeVariable =
  | 'PROFILE'
  | 'PACKAGES'
  | 'STRIP_ABI'
  | 'EXTRA_IMAGE_NAME'
  | 'FILES'
  | 'DISABLED_SERVICES'
  | 'ROOTFS_PARTSIZE'
  | 'BIN_DIR';

export interface CanaryRow {
  /** `argv`: a word of its own on make's command line. */
  readonly variable: MakeVariable | 'argv';
  readonly value: string;
  readonly why: string;
  /** Where the real one ran it: in which era, and by which of make's goals it is told soonest. Null: it failed, or did nothing. */
  readonly ran: { readonly era: 'both' | 'opkg'; readonly goal: 'manifest' | 'image' } | null;
  /** Holds no byte that make or a shell knows; evil as the name of a package alone, and a good path. */
  readonly isPath?: true;
  /** Letters and dashes; evil as a word of its own alone. */
  readonly isWord?: true;
}

const touch = `touch ${CANARY}`;
const soon = { era: 'both', goal: 'manifest' } as const;
const late = { era: 'both', goal: 'image' } as const;

/** Of docs and measurements on 23.05.5 and 25.12.5. */
const MEASURED: readonly CanaryRow[] = [
  {
    variable: 'PACKAGES',
    value: `$(shell ${touch})`,
    why: 'make expands every variable of its command line',
    ran: soon,
  },
  { variable: 'PACKAGES', value: `\`${touch}\``, why: 'a recipe puts it into double quotes of a shell', ran: soon },
  {
    variable: 'PACKAGES',
    value: `$$(${touch})`,
    why: 'what make leaves of it is a substitution to the shell',
    ran: soon,
  },
  { variable: 'PACKAGES', value: `" ; ${touch} ; "`, why: 'leaves those double quotes', ran: soon },
  { variable: 'PACKAGES', value: `vim;${touch}`, why: 'opkg and apk get the list without quotes', ran: soon },
  { variable: 'PACKAGES', value: `vim&${touch}`, why: 'as before, in the background', ran: soon },
  { variable: 'PACKAGES', value: `vim|${touch}`, why: 'as before, in a pipe', ran: soon },
  { variable: 'PACKAGES', value: `vim >${CANARY}`, why: 'as before, into a file', ran: soon },
  { variable: 'PACKAGES', value: `$(eval $(shell ${touch}))`, why: 'make rewrites itself', ran: soon },
  {
    variable: 'PACKAGES',
    value: '/tmp/evil.ipk',
    why: 'opkg installs a local file and runs its postinst',
    ran: null,
    isPath: true,
  },
  {
    variable: 'PACKAGES',
    value: 'http://host.example/evil.ipk',
    why: 'opkg fetches it past all signatures',
    ran: null,
    isPath: true,
  },
  { variable: 'PROFILE', value: `$(shell ${touch})`, why: 'expands to nothing, and make ends with 0', ran: soon },
  { variable: 'PROFILE', value: `generic $(shell ${touch})`, why: 'as before, with a profile that exists', ran: soon },
  { variable: 'PROFILE', value: `a'; ${touch}; '`, why: 'leaves the single quotes of "does not exist"', ran: soon },
  { variable: 'STRIP_ABI', value: `$(shell ${touch})`, why: 'any variable is expanded', ran: soon },
  { variable: 'EXTRA_IMAGE_NAME', value: `$(shell ${touch})`, why: 'any variable is expanded', ran: late },
  { variable: 'EXTRA_IMAGE_NAME', value: `a";${touch};"`, why: 'leaves double quotes', ran: late },
  { variable: 'FILES', value: `a";${touch};"`, why: 'leaves double quotes', ran: late },
  { variable: 'DISABLED_SERVICES', value: `a";${touch};"`, why: 'leaves double quotes', ran: late },
  { variable: 'DISABLED_SERVICES', value: `$$(${touch})`, why: 'substituted by the shell', ran: late },
  { variable: 'ROOTFS_PARTSIZE', value: `104";${touch};"`, why: 'leaves double quotes', ran: late },
  { variable: 'argv', value: `--eval=$(shell ${touch})`, why: 'make reads it as a line of its Makefile', ran: soon },
  { variable: 'argv', value: `-f${CANARY}.mk`, why: 'another Makefile', ran: null },
  { variable: 'argv', value: `SHELL=${CANARY}.sh`, why: 'another shell for every recipe', ran: null },
  { variable: 'PACKAGES', value: `vim\n${touch}`, why: 'a second line of a recipe', ran: null },
  { variable: 'PACKAGES', value: '--force-depends', why: 'an option of opkg', ran: null, isWord: true },
  { variable: 'BIN_DIR', value: `a";${touch};"`, why: 'leaves double quotes', ran: null },
  {
    variable: 'PROFILE',
    value: `a"; ${touch}; "`,
    why: 'leaves double quotes, where there are single ones',
    ran: null,
  },
  { variable: 'PROFILE', value: '%', why: 'a pattern, which every profile matches', ran: null },
];

/** What make or a shell would also take, or what slips through a grammar that is written a little carelessly. */
const THOUGHT_OF: readonly CanaryRow[] = [
  [`\${shell ${touch}}`, 'the other brackets of make'],
  [`$(file >${CANARY},x)`, 'make writes files itself'],
  [`$(foreach x,1,$(shell ${touch}))`, 'a function around it'],
  [`$($(subst x,,sxhxexll) ${touch})`, 'a name that is put together'],
  [`vim\r${touch}`, 'the line end of another system'],
  [`vim;${touch}\n`, 'an expression whose $ lets a last newline pass'],
  ['vim\n', 'the newline alone'],
  ['vim\0x', 'where C ends a word'],
  [`<(${touch})`, 'substitution of a process'],
  [`vim||${touch}`, 'or'],
  [`{vim,${touch}}`, 'braces'],
  [`vim\\\n${touch}`, 'a line that goes on'],
  [`!${touch}`, 'history, or a negation of apk'],
  [`vim#${touch}`, 'a comment hides the rest of a recipe'],
  ['vim=1.0', 'a version, to apk'],
  ['vim@repo', 'a repository, to apk'],
  ['vim<2', 'a condition, to apk'],
  ['*', 'every file of the tree'],
  ['~root/x', 'a home'],
  ['../../etc/passwd', 'a path'],
  ['ｖｉｍ', 'letters of another width'],
  ['vim\u2028x', 'a line end of Unicode'],
  ['$(', 'half of it'],
  ['$', 'less than half'],
].map(([value = '', why = '']) => ({ variable: 'PACKAGES', value, why, ran: null }));

export const MAKE_CANARY: readonly CanaryRow[] = [...MEASURED, ...THOUGHT_OF];
