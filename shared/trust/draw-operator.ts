/**
 * Whose turn it is to build something again. Drawn per operator, and not by who asks first: whoever brings a thousand machines
 * would else be each other's witness, and so would be whoever keeps machines idle while all others have work. The draw is fixed by a
 * secret of the build, so that nobody can wish for a build whose witnesses are its own.
 */
import { sha256Hex } from '../crypto/digest.ts';

/**
 * Who was drawn keeps its turn while it is there: it comes when its builds are done. But a build of its may hang, and it may wait
 * on purpose, so after each such time one more is drawn. So many builds that an honest operator, which takes what it is drawn for
 * before anything else, has hardly ever as many before it; never shorter than a farm of liars that are done at once could make it.
 */
const BUILDS_OF_PATIENCE = 6;
export const DRAW_PATIENCE_MS = 120_000;
const MOST_PATIENCE_MS = 900_000;

/** `typicalMs`: what a build of this farm takes. */
export const drawPatienceMs = (typicalMs: number): number =>
  Math.min(Math.max(BUILDS_OF_PATIENCE * typicalMs, DRAW_PATIENCE_MS), MOST_PATIENCE_MS);

/**
 * `able`: operators that are there and whose vote would count; one that is not there has lost its turn. Looked at no further than until
 * too many of them come before this one, which the first few tell of most builds. `waitedMs`: how long it has waited for them.
 */
export function isDrawn(
  operator: string,
  able: Iterable<string>,
  draw: string,
  { waitedMs, patienceMs }: { readonly waitedMs: number; readonly patienceMs: number },
): boolean {
  const rank = (name: string): string => sha256Hex(`${draw}\n${name}`);
  const mine = rank(operator);
  const seen = new Set([operator]);
  let mayBeBefore = Math.floor(Math.max(0, waitedMs) / patienceMs);
  for (const other of able) {
    if (seen.has(other)) continue;
    seen.add(other);
    if (rank(other) >= mine) continue;
    if (mayBeBefore === 0) return false;
    mayBeBefore -= 1;
  }
  return true;
}
