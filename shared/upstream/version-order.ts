/**
 * Newest first. Sorting versions as strings puts `24.10.0` behind `24.10.0-rc7` and `24.10.10` behind `24.10.2`, and then
 * a router is offered an older system as an upgrade.
 */

/** Branch, patch, candidate; a snapshot is ahead of every release of its branch, main ahead of every branch. */
type Rank = readonly [year: number, month: number, patch: number, candidate: number];

const VERSION = /^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,6})(?:-rc(\d{1,6}))?|-SNAPSHOT)$/;

function rankOf(version: string): Rank | null {
  if (version === 'SNAPSHOT') return [Infinity, 0, 0, 0];
  const match = VERSION.exec(version);
  if (!match) return null;
  const [, year, month, patch, candidate] = match;
  return [
    Number(year),
    Number(month),
    patch === undefined ? Infinity : Number(patch),
    // A release follows its candidates.
    candidate === undefined ? Infinity : Number(candidate),
  ];
}

/** For `sort`: negative where `a` is the newer one. What is no version comes last, in order of its text. */
export function compareVersions(a: string, b: string): number {
  const rankA = rankOf(a);
  const rankB = rankOf(b);
  if (rankA && rankB) {
    for (const [index, part] of rankA.entries()) {
      const other = rankB[index] as number;
      if (part !== other) return part > other ? -1 : 1;
    }
  } else if (rankA || rankB) return rankA ? -1 : 1;
  // Equal in rank but not in text (`24.10.1`, `24.10.01`): a total order keeps sorting stable everywhere.
  return a === b ? 0 : a < b ? -1 : 1;
}
