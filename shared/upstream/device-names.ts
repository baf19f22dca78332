/**
 * All devices of a version as one compact document, in which a page finds one by its name while it is typed: each target and each
 * profile is written once, whatever the number of names.
 */
import type { ModelEntry } from './catalogue-document.ts';

/** Target → profile → names. */
export type DeviceNames = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** Order is kept: that of names, within each target. */
export function deviceNames(models: readonly ModelEntry[]): DeviceNames {
  const targets = new Map<string, Map<string, string[]>>();
  for (const { model, target, profile } of models) {
    const profiles = targets.get(target) ?? new Map<string, string[]>();
    targets.set(target, profiles);
    const names = profiles.get(profile);
    if (names) names.push(model);
    else profiles.set(profile, [model]);
  }
  return Object.fromEntries([...targets].map(([target, profiles]) => [target, Object.fromEntries(profiles)]));
}
