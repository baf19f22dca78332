/**
 * Packages that exclude each other and were installed all the same. opkg looks only at what the package that it is about to
 * install says (of that, its first name); what an installed package says about the new one it does not ask. So `firewall`
 * lands beside `firewall4`, with status 0, and the router that gets the image has two firewalls.
 */
import type { Manifest } from './manifest.ts';
import type { IndexedPackage } from './opkg-index.ts';
import { fulfils } from './package-version-order.ts';

type Stanza = Pick<IndexedPackage, 'name' | 'version' | 'conflicts' | 'provides'>;

/** `package` says that it cannot be beside `other`. */
export interface InstalledConflict {
  readonly package: string;
  readonly other: string;
}

/** One is a reason, and more than some are no longer read. */
const MAX_CONFLICTS = 20;
/**
 * At a `Conflicts` beside an installed package that it may mean. A real image takes some dozens; forty packages of a
 * stranger's feed that provide and exclude one name, five hundred times each, would take a node minutes. What is not looked
 * at stays as opkg left it.
 */
const MAX_LOOKS = 10_000;

/**
 * @param manifest names as they are installed, with their ABI versions
 * @returns each pair once, sorted; an installed package that no stanza describes in its version takes no part
 */
export function oneSidedConflicts(manifest: Manifest, stanzas: Iterable<Stanza>): readonly InstalledConflict[] {
  const installed = new Map<string, Stanza>();
  for (const stanza of stanzas) if (manifest[stanza.name] === stanza.version) installed.set(stanza.name, stanza);
  const pairs = new Map<string, InstalledConflict>();
  for (const { name, other } of excluded([...installed.values()]))
    if (other !== name && !pairs.has(`${other} ${name}`)) pairs.set(`${name} ${other}`, { package: name, other });
  return [...pairs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, MAX_CONFLICTS)
    .map(([, pair]) => pair);
}

/**
 * A condition on a version is about a package of that name; what provides the name in a version of its own is judged by
 * that, and what provides it in none is not meant. Nor is anything by a condition that we cannot read: opkg let it through.
 */
function* excluded(installed: readonly Stanza[]): Generator<{ readonly name: string; readonly other: string }> {
  const bearers = bearersOf(installed);
  let looks = 0;
  for (const { name, conflicts } of installed)
    for (const relation of conflicts)
      for (const { by, version } of bearers.get(relation.name) ?? []) {
        if (++looks > MAX_LOOKS) return;
        const isMeant =
          relation.condition === '' || (version !== null && fulfils(version, relation.condition) === true);
        if (isMeant) yield { name, other: by };
      }
}

/** Who has a name: as its own, or by `Provides`. */
interface Bearer {
  readonly by: string;
  /** Its own, or that of `Provides: name (= version)`; null: in none. */
  readonly version: string | null;
}

function bearersOf(installed: readonly Stanza[]): ReadonlyMap<string, readonly Bearer[]> {
  const bearers = new Map<string, Bearer[]>(installed.map(({ name, version }) => [name, [{ by: name, version }]]));
  for (const { name: by, provides } of installed)
    for (const { name, condition } of provides) {
      const version = condition.startsWith('=') ? condition.slice(1).trim() : null;
      const others = bearers.get(name);
      if (others) others.push({ by, version });
      else bearers.set(name, [{ by, version }]);
    }
  return bearers;
}
