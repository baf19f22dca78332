/** From upstream's files to a document of any kind, and the recipe's name: which code and settings a copy was made by. */
import { sha256Hex } from '../../shared/crypto/digest.ts';
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import { canonical } from '../../shared/request/canonical.ts';
import type { ArchDocument, CatalogueDocument, VersionsDocument } from '../../shared/upstream/catalogue-document.ts';
import { compileArch } from './compile-arch.ts';
import { compileModels } from './compile-models.ts';
import { compileProfiles } from './compile-profiles.ts';
import { compileTarget } from './compile-target.ts';
import { compileVersions } from './compile-versions.ts';
import type { DocumentId } from './document-id.ts';
import type { Reading } from './reading.ts';

/** Raise when the compilers give something else for the same files. */
const RECIPE = '3';

/** A copy of another recipe is compiled anew although upstream is unchanged. */
export function recipeOf(id: DocumentId, settings: EdgeSettings): string {
  if (id.kind !== 'versions') return RECIPE;
  // Which versions are offered is the operator's choice as much as upstream's.
  const branches = settings.BRANCHES.filter((branch) => branch.enabled);
  return `${RECIPE} ${sha256Hex(canonical(branches.map((branch) => `${branch.name} ${branch.snapshot}`)))}`;
}

export interface CompileContext {
  readonly settings: EdgeSettings;
  /** Null for the list of versions itself. */
  readonly versions: VersionsDocument | null;
  /** The last good copy, for what upstream has lost since. */
  readonly previous: CatalogueDocument | null;
  readonly now: number;
}

/**
 * Null: upstream has no such thing (yet).
 * @throws UpstreamTrouble
 */
export async function compile(
  id: DocumentId,
  reading: Reading,
  { settings, versions, previous, now }: CompileContext,
): Promise<CatalogueDocument | null> {
  switch (id.kind) {
    case 'versions':
      return compileVersions(reading, settings, previous as VersionsDocument | null, now);
    case 'target':
    case 'profiles': {
      const arch = versions?.versions.find((entry) => entry.version === id.version)?.targets[id.target] ?? '';
      const wanted = { version: id.version, target: id.target, arch };
      return id.kind === 'target'
        ? compileTarget(reading, wanted, settings, now)
        : compileProfiles(reading, wanted, settings, now);
    }
    case 'models':
      return versions && compileModels(reading, id.version, versions, now);
    case 'arch':
      return compileArch(reading, id, previous as ArchDocument | null, now);
  }
}
