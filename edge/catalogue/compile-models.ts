/**
 * The document of all devices of a version, from the one file that upstream makes of them: to ask forty targets for it would take
 * forty signatures and as many documents. That file is unsigned. It decides what a search finds and nothing else, and whoever
 * asks for an image of what was found comes to the target's signed files.
 */
import { versionPath } from '../../shared/upstream/branch.ts';
import type { ModelsDocument, VersionsDocument } from '../../shared/upstream/catalogue-document.ts';
import { parseOverviewJson } from '../../shared/upstream/upstream-overview.ts';
import { parsed, type Reading } from './reading.ts';

/**
 * Null: the mirror has no such file. Devices of targets that the version does not have are left out: nothing could be had for them.
 * @throws UpstreamTrouble
 */
export async function compileModels(
  reading: Reading,
  version: string,
  versions: VersionsDocument,
  now: number,
): Promise<ModelsDocument | null> {
  const path = `${versionPath(version)}/.overview.json`;
  const file = await reading.read(path);
  if (!file) return null;
  const targets = versions.versions.find((entry) => entry.version === version)?.targets ?? {};
  const models = parsed(path, () => parseOverviewJson(file.text));
  return {
    kind: 'models',
    version,
    models: models.filter(({ target }) => Object.hasOwn(targets, target)),
    fetchedAt: now,
    checkedAt: now,
  };
}
