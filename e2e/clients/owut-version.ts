/**
 * How owut orders versions of packages and of releases. It decides what is called an update, a downgrade (then owut refuses)
 * or nothing at all, so a version that the server spells in a way of its own would end an upgrade before it is asked for.
 */
interface VersionParts {
  readonly numbers: readonly number[];
  readonly revision: number;
  readonly hash: string;
}

const PLAIN = /^([0-9.]+)(?:~([0-9a-f]+))?(?:-r([0-9]+))?$/i;

function partsOf(version: string): VersionParts {
  const plain = PLAIN.exec(version);
  if (plain) return { numbers: numbersOf(plain[1]), hash: plain[2] ?? '', revision: Number(plain[3] ?? 0) };
  // The odd ones: `git-24.141.29354-5cfe7a7`, `2017-08-29-r3`, `9.9_p1-r3`, `android.5.0.2_r1-r3`.
  let rest = version.replace(/^[-a-z.]+/i, '');
  const revision = /-r?([0-9]+)$/i.exec(rest);
  if (revision) rest = rest.slice(0, -revision[0].length);
  const leading = /^[0-9.]+/.exec(rest)?.[0] ?? '';
  rest = rest.slice(leading.length);
  const numbers = numbersOf(leading);
  while (numbers.length > 0 && /^-\d+(?![^-.])/.test(rest)) {
    const date = /^-(\d+)/.exec(rest) as RegExpExecArray;
    numbers.push(Number(date[1]));
    rest = rest.slice(date[0].length);
  }
  const patch = /^_[a-z]+([0-9]+)$/i.exec(rest);
  if (patch) numbers.push(Number(patch[1]));
  return { numbers, revision: Number(revision?.[1] ?? 0), hash: patch ? '' : rest.replace(/^-/, '') };
}

const numbersOf = (dotted = ''): number[] => dotted.split('.').filter(Boolean).map(Number);

/** `unknown`: equal but for a hash, of which nobody can say which is newer. */
export type Change = 'added' | 'newer' | 'same' | 'older' | 'missing' | 'unknown';

export function changeBetween(old: string | undefined, next: string | undefined): Change {
  if (old === undefined) return 'added';
  if (next === undefined) return 'missing';
  const order = compareVersions(old, next);
  if (order !== 0) return order < 0 ? 'newer' : 'older';
  return partsOf(old).hash === partsOf(next).hash ? 'same' : 'unknown';
}

export function compareVersions(one: string, other: string): number {
  const [a, b] = [partsOf(one), partsOf(other)];
  for (let at = 0; at < Math.max(a.numbers.length, b.numbers.length); at += 1) {
    const difference = (a.numbers[at] ?? 0) - (b.numbers[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.revision - b.revision;
}

/** Release candidates before their release, snapshots after everything of their branch. */
export const compareReleases = (one: string, other: string): number => compareVersions(sortable(one), sortable(other));

function sortable(release: string): string {
  const spelled = release.replace('-SNAPSHOT', '.999').replace('SNAPSHOT', '999').replace('-rc', '-r');
  return spelled.endsWith('.0') ? `${spelled}-r999` : spelled;
}

export const branchOf = (version: string): string =>
  version === 'SNAPSHOT' ? version : (/\d+\.\d+/.exec(version)?.[0] ?? '');
