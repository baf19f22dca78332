/**
 * The search for a device by a part of its name, as somebody types it who holds the box in his hand. Plain text all the way:
 * what would be a pattern elsewhere (`%`, `_`, `*`) is an ordinary character, and costs nothing more.
 */
import type { ModelEntry } from '../upstream/catalogue-document.ts';

/** Lower-case names, computed once per document: thousands of devices, and each key that is typed asks. */
const lowerCase = new WeakMap<readonly ModelEntry[], readonly string[]>();

function lowerCaseOf(models: readonly ModelEntry[]): readonly string[] {
  const known = lowerCase.get(models);
  if (known) return known;
  const names = models.map(({ model }) => model.toLowerCase());
  lowerCase.set(models, names);
  return names;
}

/** The first ones of the list that have it in their name, in its order; with nothing to search for, the first of all. */
export function searchModels(models: readonly ModelEntry[], search: string, atMost: number): readonly ModelEntry[] {
  const wanted = search.toLowerCase();
  const found: ModelEntry[] = [];
  for (const [index, name] of lowerCaseOf(models).entries()) {
    if (found.length >= atMost) break;
    if (name.includes(wanted)) found.push(models[index] as ModelEntry);
  }
  return found;
}
