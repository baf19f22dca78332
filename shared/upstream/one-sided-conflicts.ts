/**
 * Packages that exclude each other and were installed all the same. opkg looks only at what the package that it is about to
 * install says (of that, its first name); what an installed package says about the new one it does not ask. So `firewall`
 * lands beside `firewall4`, with status 0, and the router that gets the image has two firewalls.
 */
import type { Manifest } from './manifest.ts';
import type { IndexedPackage, Relation } from './opkg-index.ts';
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
 * @param manifest names as they are installed, with their ABI versions
 * @returns each pair once, sorted; an installed package that no stanza describes in its version takes no part
 */
export function oneSidedConflicts(manifest: Manifest, stanzas: Iterable<Stanza>): readonly InstalledConflict[] {
  const installed = new Map<string, Stanza>();
  for (const stanza of stanzas) if (manifest[stanza.name] === stanza.version) installed.set(stanza.name, stanza);
  const providers = providersOf(installed.values());
  const pairs = new Map<string, InstalledConflict>();
  for (const stanza of installed.values())
    for (const relation of stanza.conflicts)
      for (const other of excluded(relation, installed, providers))
        if (other !== stanza.name && !pairs.has(`${other} ${stanza.name}`))
          pairs.set(`${stanza.name} ${other}`, { package: stanza.name, other });
  return [...pairs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, MAX_CONFLICTS)
    .map(([, pair]) => pair);
}

/**
 * A condition on a version is about a package of that name; what provides the name in a version of its own is judged by
 * that, and what provides it in none is not meant. Nor is anything by a condition that we cannot read: opkg let it through.
 */
function excluded(
  { name, condition }: Relation,
  installed: ReadonlyMap<string, Stanza>,
  providers: ReadonlyMap<string, readonly Provided[]>,
): string[] {
  const named = installed.get(name);
  const meant = (version: string | null) =>
    condition === '' || (version !== null && fulfils(version, condition) === true);
  return [
    ...(named !== undefined && meant(named.version) ? [name] : []),
    ...(providers.get(name) ?? []).filter(({ version }) => meant(version)).map(({ by }) => by),
  ];
}

interface Provided {
  readonly by: string;
  /** Of `Provides: name (= version)`; null: in none. */
  readonly version: string | null;
}

function providersOf(stanzas: Iterable<Stanza>): ReadonlyMap<string, readonly Provided[]> {
  const providers = new Map<string, Provided[]>();
  for (const { name: by, provides } of stanzas)
    for (const { name, condition } of provides) {
      const version = condition.startsWith('=') ? condition.slice(1).trim() : null;
      const others = providers.get(name);
      if (others) others.push({ by, version });
      else providers.set(name, [{ by, version }]);
    }
  return providers;
}
