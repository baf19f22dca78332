/**
 * Package algebra. A selection is kept as its difference from what the profile installs anyway, because that is what the
 * ImageBuilder takes (`PACKAGES="vim -ppp"`), and because it stays the same when upstream adds a default.
 */
export interface PackageSelection {
  /** Sorted, without duplicates, none of them a default. */
  readonly add: readonly string[];
  /** Sorted, without duplicates, all of them defaults. */
  readonly remove: readonly string[];
}

/**
 * Folds what was asked over the profile's own packages.
 *
 * `additional`: `name` and `+name` add, `-name` removes; a removal wins over an addition, as in the ImageBuilder's Makefile.
 * `absolute`: the list is everything; defaults outside it are removed.
 * Spelling a default again, or removing what is not there, changes nothing: so both spellings of one wish are one result.
 */
export function foldPackages(
  asked: readonly string[],
  defaults: ReadonlySet<string>,
  spelling: 'additional' | 'absolute',
): PackageSelection {
  const wanted = new Set<string>();
  const unwanted = new Set<string>();
  for (const word of asked) {
    if (word.startsWith('-')) unwanted.add(word.slice(1));
    else wanted.add(word.startsWith('+') ? word.slice(1) : word);
  }
  for (const name of unwanted) wanted.delete(name);
  const add: string[] = [];
  for (const name of wanted) if (!defaults.has(name)) add.push(name);
  const remove: string[] = [];
  for (const name of defaults)
    if (unwanted.has(name) || (spelling === 'absolute' && !wanted.has(name))) remove.push(name);
  return { add: add.sort(), remove: remove.sort() };
}
