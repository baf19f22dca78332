/**
 * The answer to a check as JSON, put together from words that are JSON in quotes as they are: names of packages and versions have
 * passed a grammar without a quote or a backslash, those of upstream when its index was read, those of a router when its check was.
 * An object of a hundred keys, made for nothing but being written, would take several times as long. As bytes, since that is
 * what most of it is already.
 */
import type { AnswerOf } from '../api/answer-of.ts';
import type { seedUpgradeSchema } from '../api/seed-check-answers.ts';
import { utf8ToBytes } from '../crypto/digest.ts';
import type { Upgrade, UpgradeAnswer } from './upgrade-outcome.ts';

type Member = keyof AnswerOf<typeof seedUpgradeSchema>;

export function upgradeJson({ version, comparison }: UpgradeAnswer): Uint8Array<ArrayBuffer> {
  const told = version === null ? '' : `${member('version')}"${version}"`;
  if (comparison === null) return utf8ToBytes(`{${told}}`);
  const { steady, packages, upgrades, dropped } = comparison;
  const { namesLength, upgradesLength } = steady;
  const opening = `{${told && `${told},`}${member('packages')}[${before(namesLength, namesText(packages))}`;
  const middle = `],${member('upgrades')}{${before(upgradesLength, upgrades.map(upgradeText).join(','))}`;
  const closing = dropped.length > 0 ? `},${member('dropped')}[${namesText(dropped)}]}` : '}}';
  const namesAt = opening.length;
  const middleAt = namesAt + withoutComma(namesLength);
  const upgradesAt = middleAt + middle.length;
  const closingAt = upgradesAt + withoutComma(upgradesLength);
  // One piece of memory, and each word written where it stays.
  const bytes = new Uint8Array(closingAt + closing.length);
  steady.tell(bytes, namesAt, upgradesAt);
  write(opening, bytes, 0);
  // Over the last commas.
  write(middle, bytes, middleAt);
  write(closing, bytes, closingAt);
  return bytes;
}

const member = (name: Member): string => `"${name}":`;

const before = (moreLength: number, text: string): string => (text !== '' && moreLength > 0 ? `${text},` : text);

const withoutComma = (length: number): number => Math.max(0, length - 1);

const namesText = (names: readonly string[]): string => (names.length > 0 ? `"${names.join('","')}"` : '');

const upgradeText = ({ name, offered, installed }: Upgrade): string => `"${name}":["${offered}","${installed}"]`;

/** What is ASCII: for so little, an encoder is dearer than this. */
function write(text: string, to: Uint8Array, at: number): void {
  for (let done = 0; done < text.length; done++) to[at + done] = text.charCodeAt(done);
}
