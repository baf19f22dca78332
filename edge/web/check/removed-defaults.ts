/** What a router's owner has removed of what its image came with: the new image is to be without it as well. */
import { isIgnored } from '../../../shared/seed/base-packages.ts';
import { nameIn } from './name-in.ts';

/** On every router: a list without it is a part of a list, of which nothing follows. */
const ALWAYS = 'base-files';

/**
 * Defaults of the installed version (`before`) and of the offered one (`now`) that are not `installed`. What only the offered one
 * has was removed by nobody.
 */
export function removedDefaults(
  installed: readonly string[],
  before: readonly string[],
  now: readonly string[],
): readonly string[] {
  if (!installed.includes(ALWAYS)) return [];
  const defaults = new Set(now);
  const there = new Set(installed.map((name) => nameIn(defaults, name)));
  return before.filter((name) => defaults.has(name) && !there.has(name) && !isIgnored(name)).toSorted();
}
