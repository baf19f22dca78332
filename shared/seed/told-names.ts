/**
 * Names of packages in a header and in a sentence, of which a stranger may have sent ten thousand: proxies drop an answer whose
 * header is too long, and auc crashes where there is none.
 */

const MAX_CHARACTERS = 2_000;

export interface ToldNames {
  /** As many as there is room for, with commas. */
  readonly header: string;
  /** The same, and how many more there are. */
  readonly sentence: string;
}

/** @param names sorted */
export function toldNames(names: readonly string[]): ToldNames {
  let header = names[0] ?? '';
  let told = 1;
  while (told < names.length && header.length + 2 + (names[told] ?? '').length <= MAX_CHARACTERS)
    header += `, ${names[told++]}`;
  return { header, sentence: told < names.length ? `${header} and ${names.length - told} more` : header };
}
