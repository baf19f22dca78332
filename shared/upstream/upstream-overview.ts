/**
 * `.overview.json` of a version on a mirror: all its devices with their names for people, which old pages search. Nobody signs
 * it, so nothing is decided by it: a device that is found here is looked up in its target's signed files before it is built for.
 */
import { PROFILE_ID, TARGET } from '../request/grammar.ts';
import { modelName, type Title } from '../seed/model-name.ts';
import { isJsonObject, type JsonObject, parseJsonObject } from '../text/json-object.ts';
import type { ModelEntry } from './catalogue-document.ts';

/** Some eight times what upstream has. */
const MAX_MODELS = 20_000;
const MAX_TITLES = 50;
const MAX_NAME_CHARACTERS = 200;

/**
 * In the order of their names. A device of several names is there under each; one without a name, under its profile's id.
 * @throws Error when the text is not JSON, has no profile that is one, or far too many
 */
export function parseOverviewJson(text: string): readonly ModelEntry[] {
  const { profiles } = parseJsonObject(text);
  if (!Array.isArray(profiles)) throw new Error('expected "profiles" to be an array');
  if (profiles.length > MAX_MODELS) throw new Error(`expected at most ${MAX_MODELS} profiles, got ${profiles.length}`);
  const models = profiles.flatMap(modelsOf);
  if (models.length === 0 && profiles.length > 0) throw new Error('expected "profiles" with id and target, got none');
  if (models.length > MAX_MODELS) throw new Error(`expected at most ${MAX_MODELS} models, got ${models.length}`);
  return models
    .map((entry) => ({ entry, key: sortKey(entry) }))
    .sort(byKey)
    .map(({ entry }) => entry);
}

function modelsOf(profile: unknown): ModelEntry[] {
  if (!isJsonObject(profile)) return [];
  const { id, target, titles } = profile;
  if (typeof id !== 'string' || id.length > 128 || !PROFILE_ID.test(id)) return [];
  if (typeof target !== 'string' || target.length > 128 || !TARGET.test(target)) return [];
  const names = (Array.isArray(titles) ? titles.slice(0, MAX_TITLES) : [])
    .filter(isJsonObject)
    .map((title) => modelName(textsOf(title)).slice(0, MAX_NAME_CHARACTERS))
    .filter((name) => name !== '');
  return [...new Set(names.length > 0 ? names : [id])].map((model) => ({ model, target, profile: id }));
}

const textsOf = (title: JsonObject): Title =>
  Object.fromEntries(Object.entries(title).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));

/** Names first, whatever their case; then what tells two devices of one name apart. */
const sortKey = ({ model, target, profile }: ModelEntry): string => `${model.toLowerCase()}\n${target}\n${profile}`;

const byKey = (a: { readonly key: string }, b: { readonly key: string }): number =>
  a.key === b.key ? 0 : a.key < b.key ? -1 : 1;
