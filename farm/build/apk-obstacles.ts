/**
 * Why apk cannot install a selection. Its solver prints blocks: a line with a package or a name, and indented below it what
 * stands against it, in lines that are broken where they get long.
 */
import type { Printed } from './printed-lines.ts';
import type { Obstacles } from './selection-failure.ts';

/** What is asked for from outside, in the place of a package. */
const WORLD = 'world';

export function apkObstacles({ unselectable, stderr, recipe }: Printed): Obstacles {
  const missing: string[] = [];
  const conflicting: string[] = [];
  let subject = '';
  let label = '';
  for (const line of unselectable) {
    const [, name, absence] = /^ {2}(\S+)(?: \((no such package|virtual)\))?:$/.exec(line) ?? [];
    const [, newLabel, items] = /^ {4}([a-z][a-z ]*): (.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      subject = absence === undefined ? bareName(name) : '';
      label = '';
      if (absence !== undefined) missing.push(name);
      continue;
    }
    if (newLabel !== undefined) label = newLabel;
    if (subject === '' || !['conflicts', 'breaks', 'masked in'].includes(label)) continue;
    conflicting.push(subject, ...(label === 'masked in' ? [] : othersIn(items ?? line)));
  }
  if (recipe === null || recipe === 'package_install') conflicting.push(...clashing(stderr));
  return { missing, conflicting };
}

/** `b-1.0-r1[virtual=1.0-r1] c-2[…]`: the packages before the brackets. */
const othersIn = (items: string): string[] =>
  items
    .split(' ')
    .filter((item) => item !== '')
    .map((item) => bareName(item.split('[')[0] ?? ''))
    .filter((name) => name !== WORLD);

function clashing(stderr: readonly string[]): string[] {
  for (const line of stderr) {
    const match = /^ERROR: (\S+): trying to overwrite \S+ owned by (\S+)\.$/.exec(line);
    if (match) return [bareName(match[1] ?? ''), bareName(match[2] ?? '')];
  }
  return [];
}

/** apk's `name-1.0-r1`: the version is the last part that begins with a digit, and may be followed by a revision. */
export const bareName = (nameAndVersion: string): string =>
  /^(.+)-[0-9][^-]*(?:-r[0-9]+)?$/.exec(nameAndVersion)?.[1] ?? nameAndVersion;
