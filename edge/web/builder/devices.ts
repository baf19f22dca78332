/** The devices of a version, made ready to be searched once per document. */
import type { Devices } from '../../../shared/api/catalogue-answers.ts';
import type { Device } from '../choice.ts';
import type { Named } from './search.ts';

export interface DeviceRow extends Named {
  readonly name: string;
  readonly device: Device;
}

const rows = new WeakMap<Devices, readonly DeviceRow[]>();

/** In the order of their names. A device of several names is there under each. */
export function deviceRows(document: Devices): readonly DeviceRow[] {
  const known = rows.get(document);
  if (known) return known;
  const made = Object.entries(document.devices)
    .flatMap(([target, profiles]) =>
      Object.entries(profiles).flatMap(([profile, names]) =>
        names.map((name) => ({ name, device: { target, profile }, text: `${name} ${profile} ${target}` })),
      ),
    )
    .sort((one, other) => (one.text.toLowerCase() < other.text.toLowerCase() ? -1 : 1));
  rows.set(document, made);
  return made;
}

/** Null: the version has no such device. */
export const deviceName = (document: Devices, { target, profile }: Device): string | null =>
  (Object.hasOwn(document.devices, target) &&
    Object.hasOwn(document.devices[target] ?? {}, profile) &&
    document.devices[target]?.[profile]?.[0]) ||
  null;
