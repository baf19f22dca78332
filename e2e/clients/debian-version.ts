/**
 * Debian's order of versions, by which auc tells an upgrade from a downgrade: digits by value, `~` before everything, even
 * the end, letters before other characters.
 */
export function compareDebianVersions(one: string, other: string): number {
  const [a, b] = [runsOf(one), runsOf(other)];
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const [left, right] = [a[at] ?? '', b[at] ?? ''];
    // Runs alternate: text at even places, digits at odd ones.
    const order = at % 2 === 0 ? compareText(left, right) : Number(BigInt(left || 0) - BigInt(right || 0));
    if (order !== 0) return order;
  }
  return 0;
}

const runsOf = (version: string): readonly string[] => version.split(/(\d+)/);

function compareText(left: string, right: string): number {
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const order = weight(left[at]) - weight(right[at]);
    if (order !== 0) return order;
  }
  return 0;
}

function weight(character: string | undefined): number {
  if (character === undefined) return 0;
  if (character === '~') return -1;
  return character.charCodeAt(0) + (/[a-z]/i.test(character) ? 0 : 256);
}
