/**
 * Are two secrets the same? In a time that does not depend on how much of one is right: `===` stops at the first difference,
 * and whoever measures that finds a key digit by digit.
 */
export function equalSecrets(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at += 1) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
