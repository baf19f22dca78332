/**
 * From the name a client uses for its device to the real profile id. Routers send their board name (`vendor,model`), old
 * images send names that were renamed since, x86 sends whatever the firmware's DMI table said.
 */
import type { ProfileEntry } from './catalogue-document.ts';

/** Profiles of a target, by id. */
type Profiles = Readonly<Record<string, Pick<ProfileEntry, 'supportedDevices'>>>;

const aliasTables = new WeakMap<Profiles, ReadonlyMap<string, string>>();

/**
 * Aliases of a target, computed once per document: ath79/generic has 350 profiles and every request asks. auc writes `_` for
 * each `,` of an alias too; such a spelling gives way to what upstream itself has.
 */
function aliasesOf(profiles: Profiles): ReadonlyMap<string, string> {
  let table = aliasTables.get(profiles);
  if (!table) {
    const aliases = new Map<string, string>();
    const written = (spelling: (device: string) => string): void => {
      for (const [id, profile] of Object.entries(profiles))
        for (const device of profile.supportedDevices)
          if (!aliases.has(spelling(device))) aliases.set(spelling(device), id);
    };
    written((device) => device);
    written((device) => device.replaceAll(',', '_'));
    table = aliases;
    aliasTables.set(profiles, table);
  }
  return table;
}

/** The profile that has this name, or null. Order: exact id, board name with `,` as `_`, supported device. */
export function namedProfile(name: string, profiles: Profiles): string | null {
  if (Object.hasOwn(profiles, name)) return name;
  const boardName = name.replaceAll(',', '_');
  if (Object.hasOwn(profiles, boardName)) return boardName;
  return aliasesOf(profiles).get(name) ?? null;
}

/** The profile to build: the one that has this name, or whatever the name is where a target has only `generic`. */
export function resolveProfile(name: string, profiles: Profiles): string | null {
  const named = namedProfile(name, profiles);
  if (named !== null) return named;
  const ids = Object.keys(profiles);
  return ids.length === 1 && ids[0] === 'generic' ? 'generic' : null;
}
