/**
 * What a client calls itself, as far as it is counted. The field is free text that goes to a public table, so only what looks
 * like a program's name and version is taken by its letters.
 */
const NAME = /^[A-Za-z0-9][\w.+~/-]{0,99}$/;
/** auc gives its name only here: `auc (0.3.2)`, in later versions perhaps `auc/0.3.2`. */
const AUC = /^auc(?:\/| \()([\w.+~-]{1,32})\)?$/;

export function clientName(client: string | null, userAgent: string | null): string {
  if (client !== null) return NAME.test(client) ? client : 'other';
  const version = AUC.exec(userAgent ?? '')?.[1];
  return version === undefined ? 'unknown' : `auc/${version}`;
}
