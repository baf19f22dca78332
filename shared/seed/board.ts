/**
 * Which profile an old router means. It sends its board name and perhaps its model; boards were renamed since, and a wrong guess
 * is an image that does not start. So: what upstream itself knows, then the renames that upstream does not list, then the model.
 */
import type { ProfileEntry } from '../upstream/catalogue-document.ts';
import { namedProfile } from '../upstream/profile.ts';
import { modelName } from './model-name.ts';

/** Profiles of a target, by id. */
type Profiles = Readonly<Record<string, Pick<ProfileEntry, 'supportedDevices' | 'titles'>>>;

/** Board names of 2016 and 2017 that no image names as one that it supports. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['nanostation-m', 'ubnt-nano-m'],
  ['nanostation-m-xw', 'ubnt-nano-m-xw'],
  ['loco-m', 'ubnt-loco-m'],
  ['loco-m-xw', 'ubnt-loco-m-xw'],
  ['tl-wdr3500', 'tl-wdr3500-v1'],
  ['tl-wdr4300', 'tl-wdr4300-v1'],
  ['tl-wr741', 'tl-wr741-v1'],
  ['armada-385-linksys-rango', 'linksys-wrt3200acm'],
]);

/** The profile's id; null where the target has no such device. */
export function resolveBoard(device: { board: string; model: string }, profiles: Profiles): string | null {
  const { board, model } = device;
  return (
    (board === '' ? null : (namedProfile(board, profiles) ?? renamedProfile(board, profiles))) ??
    (model === '' ? null : modelsOf(profiles).get(model.toLowerCase())) ??
    genericProfile(profiles)
  );
}

function renamedProfile(board: string, profiles: Profiles): string | null {
  const name = RENAMED.get(board);
  return name === undefined ? null : namedProfile(name, profiles);
}

/** The one that a target for any machine has; 17.01 writes it with a capital. */
function genericProfile(profiles: Profiles): string | null {
  const [id, ...others] = Object.keys(profiles);
  return others.length === 0 && id?.toLowerCase() === 'generic' ? id : null;
}

const modelTables = new WeakMap<Profiles, ReadonlyMap<string, string | null>>();

/** Computed once per document; null for a name that two devices share. */
function modelsOf(profiles: Profiles): ReadonlyMap<string, string | null> {
  const known = modelTables.get(profiles);
  if (known) return known;
  const models = new Map<string, string | null>();
  for (const [id, { titles }] of Object.entries(profiles))
    for (const name of new Set(titles.map((title) => modelName(title).toLowerCase())))
      models.set(name, models.has(name) ? null : id);
  modelTables.set(profiles, models);
  return models;
}
