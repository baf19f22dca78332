/** `asu builds`: what operators of an edge do about builds that wait or are under way. */
import { z } from 'zod';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import { printableJson } from '../../shared/text/printable.ts';
import { ADMIN_FLAGS, ADMIN_HELP, ADMIN_STATUSES, AdminClient, askingAdmins } from './admin-client.ts';
import type { Command } from './command.ts';
import { parseWords, UsageError } from './flags.ts';

const HELP = `Stops builds of an edge that is yours.

  asu builds cancel HASH [--json]

  HASH                    its request_hash, all 64 digits: a wrong one would stop somebody else's build
  --json                  the answer as data
${ADMIN_HELP}
  --help                  this text

Its node stops with its next report. Nobody is blamed for it, and whoever asks for it again begins anew.
${ADMIN_STATUSES}`;

const FLAGS = { ...ADMIN_FLAGS, json: { type: 'boolean' }, help: { type: 'boolean' } } as const;

const cancelledSchema = z.looseObject({ state: z.literal('cancelled') });

export const buildsCommand: Command = async (args, context) => {
  const { values, words } = parseWords(args, FLAGS);
  const { out } = context.terminal;
  if (values.help || args.length === 0) {
    out.write(`${HELP}\n`);
    return 0;
  }
  const [verb = '', hash = '', ...more] = words;
  if (verb !== 'cancel') throw new UsageError(`expected cancel, got ${JSON.stringify(verb)}; --help says what it does`);
  if (!isSha256Hex(hash) || more.length > 0)
    throw new UsageError(
      `cancel: expected one request_hash of 64 hex digits, got ${JSON.stringify(words.slice(1).join(' '))}`,
    );
  const client = await AdminClient.open(values, context);
  return askingAdmins(context, async () => {
    const answer = await client.post(`builds/${hash}/cancel`, {}, cancelledSchema);
    out.write(values.json ? `${printableJson(answer)}\n` : `${hash} is stopped\n`);
  });
};
