/** A process and all that it has started, those in sessions of their own as well: a sandboxed build leaves its node's group. */
import { readdirSync, readFileSync } from 'node:fs';

/** Of this moment, the process itself first. */
export function processTree(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    const parent = parentOf(name);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function parentOf(pid: string): number | undefined {
  try {
    // The name, in parentheses, may hold blanks; the state and the parent are the fields behind it.
    return Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[1],
    );
  } catch {
    // It has ended.
    return undefined;
  }
}
