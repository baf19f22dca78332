/**
 * From the name a client uses for its device to the real profile id. Routers send their board name (`vendor,model`), old
 * images send names that were renamed since, x86 sends whatever the firmware's DMI table said.
 */
import type { ProfileEntry } from './catalogue-document.ts';

const aliasTables = new WeakMap<object, ReadonlyMap<string, string>>();

/** Aliases of a target, computed once per document: ath79/generic has 350 profiles and every request asks. */
function aliasesOf(profiles: Readonly<Record<string, ProfileEntry>>): ReadonlyMap<string, string> {
  let table = aliasTables.get(profiles);
  if (!table) {
    const aliases = new Map<string, string>();
    for (const [id, profile] of Object.entries(profiles))
      for (const device of profile.supportedDevices) if (!aliases.has(device)) aliases.set(device, id);
    table = aliases;
    aliasTables.set(profiles, table);
  }
  return table;
}

/** The id, or null. Order: exact id, board name with `,` as `_`, supported device, then a target that has only `generic`. */
export function resolveProfile(name: string, profiles: Readonly<Record<string, ProfileEntry>>): string | null {
  if (Object.hasOwn(profiles, name)) return name;
  const boardName = name.replaceAll(',', '_');
  if (Object.hasOwn(profiles, boardName)) return boardName;
  const alias = aliasesOf(profiles).get(name);
  if (alias !== undefined) return alias;
  const ids = Object.keys(profiles);
  return ids.length === 1 && ids[0] === 'generic' ? 'generic' : null;
}
