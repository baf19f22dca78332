/**
 * What an image for a device holds when nobody asks for more: by it a page fills the box in which somebody then adds and strikes
 * out names, and sends all that is left. So it is what normalising folds such a list over, neither more nor less.
 */
import { removableDefaults } from '../request/normalize-request.ts';
import { foldPackages } from '../request/package-set.ts';
import type { Branch } from '../upstream/branch.ts';
import type { TargetDocument } from '../upstream/catalogue-document.ts';
import type { Distro } from '../upstream/distro.ts';
import { deviceAdditions } from '../upstream/package-changes.ts';

/** Sorted. `profile`: one that the target has. */
export function defaultPackages(
  target: TargetDocument,
  profile: string,
  distro: Distro,
  branch: Branch,
): readonly string[] {
  const defaults = removableDefaults(target, profile);
  const device = { branch: branch.name, version: target.version, target: target.target, profile, defaults };
  const { add } = foldPackages([...deviceAdditions(device), ...distro.packages], defaults, 'additional');
  return [...defaults, ...add].sort();
}
