/**
 * The answer to a check as JSON, put together from words that are JSON in quotes as they are: names of packages and versions have
 * passed a grammar without a quote or a backslash, those of upstream when its index was read, those of a router when its check was.
 * An object of a hundred keys, made for nothing but being written, would take several times as long. As bytes, since that is
 * what most of it is already.
 */
import type { AnswerOf } from '../api/answer-of.ts';
import type { seedUpgradeSchema } from '../api/seed-check-answers.ts';
import { utf8ToBytes } from '../digest.ts';
import type { Upgrade, UpgradeAnswer } from './upgrade-outcome.ts';

type Member = keyof AnswerOf<typeof seedUpgradeSchema>;

export function upgradeJson({ version, comparison }: UpgradeAnswer): Uint8Array<ArrayBuffer> {
  const told = version === null ? '' : `${member('version')}"${version}"`;
  if (comparison === null) return utf8ToBytes(`{${told}}`);
  const { steady, packages, upgrades, dropped } = comparison;
  return joined([
    `{${told && `${told},`}${member('packages')}[${before(steady.names, namesText(packages))}`,
    steady.names,
    `],${member('upgrades')}{${before(steady.upgrades, upgrades.map(upgradeText).join(','))}`,
    steady.upgrades,
    dropped.length > 0 ? `},${member('dropped')}[${namesText(dropped)}]}` : '}}',
  ]);
}

const member = (name: Member): string => `"${name}":`;

const before = (more: Uint8Array, text: string): string => (text !== '' && more.length > 0 ? `${text},` : text);

const namesText = (names: readonly string[]): string => (names.length > 0 ? `"${names.join('","')}"` : '');

const upgradeText = ({ name, offered, installed }: Upgrade): string => `"${name}":["${offered}","${installed}"]`;

function joined(pieces: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const parts = pieces.map((piece) => (typeof piece === 'string' ? utf8ToBytes(piece) : piece));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
