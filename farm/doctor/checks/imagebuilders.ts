/** Whose word are the ImageBuilders on disk here by? */

import { printable } from '../../../shared/text/printable.ts';
import { UNSIGNED } from '../../../shared/upstream/upstream-signature.ts';
import { shortName } from '../../cli/imagebuilder-choice.ts';
import { ImageBuilderShelf, type ShelvedImageBuilder } from '../../imagebuilder/imagebuilder-shelf.ts';
import { type Check, type Finding, ok, warning } from '../check.ts';

export const imageBuildersCheck: Check = {
  id: 'imagebuilders',
  patienceMs: 60_000,
  run: async ({ stateDirectory }) => judgeImageBuilders(await new ImageBuilderShelf(stateDirectory).list()),
};

type Shelved = Pick<ShelvedImageBuilder, 'sha256' | 'record'>;

export function judgeImageBuilders(shelved: readonly Shelved[]): Finding {
  const unsigned = shelved.filter(({ record }) => record?.signedBy === UNSIGNED);
  const unknown = shelved.filter(({ record }) => record === null);
  if (unsigned.length > 0)
    return warning(
      `${unsigned.length} of ${shelved.length} on disk are unsigned: ${unsigned.map(named).join(', ')}`,
      'asu imagebuilder remove takes one away; a node without --allow-unsigned does not use it',
    );
  if (unknown.length > 0)
    return ok(
      `${shelved.length} on disk; of ${unknown.length} it is not known who signed them, which is asked at their next use`,
    );
  return ok(shelved.length === 0 ? 'none on disk yet' : `${shelved.length} on disk, all signed`);
}

const named = (one: Shelved): string =>
  printable(`${shortName(one)} (${one.record?.version ?? '?'} ${one.record?.target ?? '?'})`, 100);
