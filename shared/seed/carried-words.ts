/**
 * The packages of a request by names that the version has. auc takes none of what a check told it: it asks for all that its router
 * was given in 2018, under the names of then, so what is no more and what nobody chose (`opkg`, `wpad-mini`) would refuse it every image.
 */
import { isAvailable } from '../request/package-check.ts';
import type { Branch } from '../upstream/branch.ts';
import { carryOver, type VersionIndex } from './carry-over.ts';

/** What the version has, and what has a sign, stays as it was asked for; what nothing here knows of too, to be refused by name. */
export function carriedWords(words: readonly string[], version: VersionIndex, branch: Branch): string[] {
  return words.flatMap((word) => {
    if (isAvailable(word, version.target, version.arch)) return [word];
    // Which version the router runs, a request does not tell: of the table of today it may need any row.
    const journey = { version: version.target.version, revision: '', from: undefined, to: branch };
    const { packages, unsettled } = carryOver(new Map([[word, '']]), journey, version);
    return [...packages.map(({ name }) => name), ...unsettled];
  });
}
