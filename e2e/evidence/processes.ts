/** The processes of this machine, by what stands in their command lines and by who has started them. */
import { readdirSync, readFileSync } from 'node:fs';

/** Of a process by what stands in its command line. @throws Error where there is none, or more than one */
export const pidOf = (...words: readonly string[]): number => onlyPid(words, () => true);

/** The same, of one that another has started. */
export const pidOfChild = (parent: number, ...words: readonly string[]): number =>
  onlyPid(words, (pid) => parentOf(pid) === parent);

/** A process and all that it has started, those in sessions of their own as well: a sandboxed build leaves its node's group. */
export function processTree(root: number): readonly number[] {
  const children = Map.groupBy(allPids(), parentOf);
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Of this moment. */
export const allPids = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Empty where it has ended. */
export const commandOf = (pid: number): readonly string[] => read(`/proc/${pid}/cmdline`).split('\0');

function onlyPid(words: readonly string[], isMeant: (pid: number) => boolean): number {
  const pids = allPids().filter((pid) => words.every((word) => commandOf(pid).includes(word)) && isMeant(pid));
  const [pid] = pids;
  if (pid === undefined || pids.length > 1)
    throw new Error(`expected one process with ${words.join(' ')}, got ${pids.length}`);
  return pid;
}

/** The name, in parentheses, may hold blanks; the state and the parent are the fields behind it. */
const parentOf = (pid: number): number =>
  Number(
    read(`/proc/${pid}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ')[1],
  );

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It has ended.
    return '';
  }
}
