/**
 * Whose turn it is to build something again. Drawn per operator, and not by who asks first: whoever brings a thousand machines
 * would else be each other's witness. The draw is fixed by a secret of the build, so that nobody can wish for a build whose
 * witnesses are its own.
 */
import { sha256Hex } from '../digest.ts';

/** The one who was drawn may be busy, or gone: after each such time the next one may as well. */
export const DRAW_PATIENCE_MS = 15_000;

/** `able`: operators that are there and whose vote would count. `waitedMs`: since the last vote. */
export function isDrawn(operator: string, able: readonly string[], draw: string, waitedMs: number): boolean {
  const rank = (name: string): string => sha256Hex(`${draw}\n${name}`);
  const mine = rank(operator);
  const before = [...new Set(able)].filter((other) => other !== operator && rank(other) < mine).length;
  return before <= Math.floor(Math.max(0, waitedMs) / DRAW_PATIENCE_MS);
}
