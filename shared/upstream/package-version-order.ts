/**
 * Versions of packages as opkg orders them, which is Debian's way: an epoch, then digits as numbers and the rest as text, in
 * which `~` is before everything, the end included, and letters are before other signs. For the conditions of `Conflicts`.
 */

/** For `sort`: negative where `a` is the older one. */
export function comparePackageVersions(a: string, b: string): number {
  const [one, other] = [parts(a), parts(b)];
  return (
    compareNumbers(one.epoch, other.epoch) ||
    compareTexts(one.version, other.version) ||
    compareTexts(one.revision, other.revision)
  );
}

/** True where `version` fulfils `>= 1.2`, `= 3` and the like; null for a condition of another form. */
export function fulfils(version: string, condition: string): boolean | null {
  const [, operator, wanted = ''] = /^(<<|<=|<|=|>=|>>|>)\s*([A-Za-z0-9]\S*)$/.exec(condition) ?? [];
  if (operator === undefined) return null;
  const order = comparePackageVersions(version, wanted);
  if (operator === '=') return order === 0;
  if (operator === '<<') return order < 0;
  if (operator === '>>') return order > 0;
  // A single sign is the old spelling of "or equal".
  return operator.startsWith('<') ? order <= 0 : order >= 0;
}

/** `1:2.90-3`: the revision is what follows the last dash. */
function parts(text: string): { readonly epoch: string; readonly version: string; readonly revision: string } {
  const [, epoch = '', rest = ''] = /^(?:([0-9]+):)?(.*)$/s.exec(text) ?? [];
  const dash = rest.lastIndexOf('-');
  return dash === -1
    ? { epoch, version: rest, revision: '' }
    : { epoch, version: rest.slice(0, dash), revision: rest.slice(dash + 1) };
}

/** Text and number in turn. */
function compareTexts(a: string, b: string): number {
  const [one, other] = [a.match(/[^0-9]+|[0-9]+/g) ?? [], b.match(/[^0-9]+|[0-9]+/g) ?? []];
  for (let at = 0; at < Math.max(one.length, other.length); at++) {
    const isText = [one[at], other[at]].some((piece) => piece !== undefined && !/^[0-9]/.test(piece));
    const take = (piece: string | undefined) => (piece !== undefined && /^[0-9]/.test(piece) !== isText ? piece : '');
    const [left, right] = [take(one[at]), take(other[at])];
    // Never 0 where only one of them is text.
    const order = isText ? compareSigns(left, right) : compareNumbers(left, right);
    if (order !== 0) return order;
  }
  return 0;
}

function compareSigns(a: string, b: string): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const order = weight(a[at]) - weight(b[at]);
    if (order !== 0) return order;
  }
  return 0;
}

function weight(sign: string | undefined): number {
  if (sign === '~') return -1;
  if (sign === undefined) return 0;
  return /[A-Za-z]/.test(sign) ? sign.charCodeAt(0) : sign.charCodeAt(0) + 256;
}

/** Of any length, so not as numbers. */
function compareNumbers(a: string, b: string): number {
  const [one, other] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  if (one.length !== other.length) return one.length - other.length;
  return one === other ? 0 : one < other ? -1 : 1;
}
