/** Which of the ImageBuilders on disk somebody means. Pure; nothing is removed here. */
import type { ShelvedImageBuilder } from '../imagebuilder/imagebuilder-shelf.ts';
import { UsageError } from './flags.ts';

/** As `list` shows it. */
const PREFIX_LENGTH = 12;
const PREFIX = /^[0-9a-f]{4,64}$/;

export const shortName = ({ sha256 }: Pick<ShelvedImageBuilder, 'sha256'>): string => sha256.slice(0, PREFIX_LENGTH);

/**
 * The one that `words` names: the beginning of its sha256, or version and target.
 * @throws UsageError where there is none or more than one
 */
export function chosen(shelved: readonly ShelvedImageBuilder[], words: readonly string[]): ShelvedImageBuilder {
  const [first = '', target] = words;
  if (words.length < 1 || words.length > 2)
    throw new UsageError('expected the beginning of a sha256, or a version and a target');
  if (target === undefined && !PREFIX.test(first))
    throw new UsageError(
      `expected 4 to 64 hex digits, or a version and a target, got ${JSON.stringify(first)}; asu imagebuilder list shows them`,
    );
  const found = shelved.filter(({ sha256, record }) =>
    target === undefined ? sha256.startsWith(first) : record?.version === first && record.target === target,
  );
  const [only] = found;
  if (only === undefined)
    throw new UsageError(`there is no ImageBuilder ${words.join(' ')}; asu imagebuilder list shows what there is`);
  if (found.length > 1)
    throw new UsageError(
      `${words.join(' ')} means ${found.length} ImageBuilders (${found.map(shortName).join(', ')}): give more digits of one`,
    );
  return only;
}

export type PruneRule = { readonly keepDays: number } | { readonly toBytes: number };

const DAY_MS = 24 * 3_600_000;

/** What goes, the least recently used first: all that was not used for so long, or as many as must go to fit. */
export function superfluous(
  shelved: readonly ShelvedImageBuilder[],
  rule: PruneRule,
  nowMs: number,
): readonly ShelvedImageBuilder[] {
  const oldestFirst = shelved.filter(({ inUse }) => !inUse).sort((one, other) => one.lastUsedMs - other.lastUsedMs);
  if ('keepDays' in rule) return oldestFirst.filter(({ lastUsedMs }) => nowMs - lastUsedMs > rule.keepDays * DAY_MS);
  let excessBytes = shelved.reduce((sum, { bytes }) => sum + bytes, 0) - rule.toBytes;
  return oldestFirst.filter(({ bytes }) => {
    if (excessBytes <= 0) return false;
    excessBytes -= bytes;
    return true;
  });
}
