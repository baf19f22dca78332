/**
 * A selection that cannot be installed, as it is told: by name where the names are names of packages. They come out of text
 * that packages and feeds wrote, and go into answers, pages and lists of statistics.
 */
import { BUILD_ERRORS, impossibleSelection } from '../../shared/build/build-error.ts';
import { isPackageName } from '../../shared/request/grammar.ts';
import type { FailureParts } from './image-builder-failure.ts';

/** What stands against a selection; names as the tool printed them. */
export interface Obstacles {
  readonly missing: readonly string[];
  readonly conflicting: readonly string[];
}

/** Of each list. A feed that lost its packages would else be told as some hundred names. */
export const MAX_NAMED_PACKAGES = 50;

/** Null where nothing stands against it. A missing package is told as the reason also where others conflict. */
export function selectionFailure({ missing, conflicting }: Obstacles): FailureParts | null {
  if (missing.length === 0 && conflicting.length === 0) return null;
  const inConflict = new Set(conflicting);
  const absent = missing.filter((name) => !inConflict.has(name));
  const conflictingPackages = named(inConflict);
  const missingPackages = named(new Set(absent));
  const kind = absent.length > 0 ? 'unknown_package' : 'conflict';
  const isNamed = missingPackages.length > 0 || conflictingPackages.length > 0;
  return {
    kind,
    // `so:libx.so.1` and the like are names to apk alone.
    detail: isNamed ? impossibleSelection(missingPackages, conflictingPackages) : BUILD_ERRORS[kind].text,
    missingPackages,
    conflictingPackages,
  };
}

const named = (names: ReadonlySet<string>): string[] =>
  [...names].filter(isPackageName).sort().slice(0, MAX_NAMED_PACKAGES);
