/** Which files of a build somebody at a shell wants. Pure; nothing is fetched here. */
import type { BuiltImage } from '../client/build-answer.ts';
import { UsageError } from './flags.ts';

/**
 * `all`, `none`, or those of a type. Unsaid: what a running router takes, or all where there is no such thing.
 * @throws UsageError naming the types that there are
 */
export function chosenImages(images: readonly BuiltImage[], choice: string | undefined): readonly BuiltImage[] {
  if (choice === 'none') return [];
  const sysupgrades = images.filter(({ type }) => type === 'sysupgrade');
  if (choice === 'all' || (choice === undefined && sysupgrades.length === 0)) return images;
  const chosen = choice === undefined ? sysupgrades : images.filter(({ type }) => type === choice);
  if (chosen.length > 0) return chosen;
  const types = [...new Set(images.map(({ type }) => type))].sort().join(', ');
  throw new UsageError(
    `--image: expected all, none or one of ${types || 'no type at all'}, got ${JSON.stringify(choice)}`,
  );
}
