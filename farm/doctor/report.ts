/** What the doctor found, for people and as data. */
import type { Terminal } from '../cli/terminal.ts';
import { installCommand } from '../imagebuilder/host-tools.ts';
import type { Finding } from './check.ts';
import type { Examined } from './run-checks.ts';

const COLOURS = { ok: 'green', warning: 'yellow', problem: 'red' } as const satisfies Record<Finding['state'], string>;
const STATE_WIDTH = 'problem'.length;
const CHECK_WIDTH = 'imagebuilders'.length;

/** One line for each finding, and one for what to do about it. */
export const findingLines = ({ check, findings }: Examined, { paint }: Pick<Terminal, 'paint'>): string[] =>
  findings.flatMap(({ state, text, fix }) => [
    `${paint(COLOURS[state], state.padEnd(STATE_WIDTH))}  ${check.padEnd(CHECK_WIDTH)}  ${text}`,
    ...(fix === undefined || state === 'ok' ? [] : [`${' '.repeat(STATE_WIDTH + CHECK_WIDTH + 4)}→ ${fix}`]),
  ]);

/** How it ended, and the one command that installs whatever is missing. */
export function closingLines(examined: readonly Examined[], { paint }: Pick<Terminal, 'paint'>): string[] {
  const count = countOf(examined);
  const verdict =
    count.problem > 0
      ? paint('red', `${count.problem} ${count.problem === 1 ? 'problem' : 'problems'}`)
      : paint('green', 'This machine can be a node');
  const warnings = count.warning > 0 ? `, ${count.warning} ${count.warning === 1 ? 'warning' : 'warnings'}` : '';
  const install = installOf(examined);
  return ['', `${verdict}${warnings}`, ...(install === null ? [] : ['', 'Install what is missing with:', install])];
}

export const hasProblem = (examined: readonly Examined[]): boolean => countOf(examined).problem > 0;

export const reportJson = (examined: readonly Examined[]): string =>
  JSON.stringify(
    {
      ok: !hasProblem(examined),
      install: installOf(examined),
      findings: examined.flatMap(({ check, seconds, findings }) =>
        findings.map(({ state, text, fix }) => ({
          check,
          state,
          text,
          fix: fix ?? null,
          seconds: Math.round(seconds * 100) / 100,
        })),
      ),
    },
    null,
    2,
  );

const installOf = (examined: readonly Examined[]): string | null =>
  installCommand(examined.flatMap(({ findings }) => findings.flatMap(({ packages }) => packages ?? [])));

function countOf(examined: readonly Examined[]): Record<Finding['state'], number> {
  const count = { ok: 0, warning: 0, problem: 0 };
  for (const { findings } of examined) for (const { state } of findings) count[state] += 1;
  return count;
}
