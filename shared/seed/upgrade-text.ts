/**
 * The answer to a check as JSON, put together from words that are JSON in quotes as they are: names of packages and versions have
 * passed a grammar without a quote or a backslash, those of upstream when its index was read, those of a router when its check was.
 * An object of a hundred keys, made for nothing but being written, would take several times as long.
 */
import type { AnswerOf } from '../api/answer-of.ts';
import type { seedUpgradeSchema } from '../api/seed-check-answers.ts';
import type { Upgrade, UpgradeAnswer } from './upgrade-outcome.ts';

type Member = keyof AnswerOf<typeof seedUpgradeSchema>;

export function upgradeText({ version, comparison }: UpgradeAnswer): string {
  const members: string[] = [];
  const tell = (member: Member, json: string): void => void members.push(`"${member}":${json}`);
  if (version !== null) tell('version', `"${version}"`);
  if (comparison) {
    tell('packages', namesText(comparison.packages));
    tell('upgrades', upgradesText(comparison.upgrades));
    if (comparison.dropped.length > 0) tell('dropped', namesText(comparison.dropped));
  }
  return `{${members.join(',')}}`;
}

const namesText = (names: readonly string[]): string => (names.length > 0 ? `["${names.join('","')}"]` : '[]');

function upgradesText(upgrades: readonly Upgrade[]): string {
  let text = '';
  for (const { name, offered, installed } of upgrades) text += `${text && ','}"${name}":["${offered}","${installed}"]`;
  return `{${text}}`;
}
