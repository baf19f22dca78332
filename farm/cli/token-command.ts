/** `asu token`: lets a machine join the farm, by a token that its operator is given. */
import { z } from 'zod';
import { MAX_TOKEN_LIFE_MS, OPERATOR_NAME, TIERS } from '../../shared/node/node-identity.ts';
import { printable, printableJson } from '../../shared/text/printable.ts';
import { ADMIN_FLAGS, ADMIN_HELP, ADMIN_STATUSES, AdminClient, askingAdmins } from './admin-client.ts';
import type { Command } from './command.ts';
import { parseDuration } from './duration.ts';
import { type FlagValues, parseWords, UsageError } from './flags.ts';

const MAX_DAYS = MAX_TOKEN_LIFE_MS / 86_400_000;
const DEFAULT_LIFE = '7d';

const HELP = `Lets one machine join the farm.

  asu token create --operator NAME --tier volunteer|trusted [--expires 7d]

  --operator NAME         on whose behalf it will work; one operator has one voice, however many machines
  --tier TIER             trusted: what it builds is published on its word alone. volunteer: it is not
  --expires TIME          until when the token must be used: 30m, 12h, 7d, at most ${MAX_DAYS}d (default ${DEFAULT_LIFE})
  --json                  the answer as data
${ADMIN_HELP}
  --help                  this text

The token alone goes to standard output. It is kept nowhere, so it cannot be shown again; one that is not used ends by itself.
${ADMIN_STATUSES}`;

const FLAGS = {
  ...ADMIN_FLAGS,
  operator: { type: 'string' },
  tier: { type: 'string' },
  expires: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const tokenSchema = z.looseObject({ token: z.string().min(1), expires_at: z.string() });

export const tokenCommand: Command = async (args, context) => {
  const { values, words } = parseWords(args, FLAGS);
  const { out, err } = context.terminal;
  if (values.help || args.length === 0) {
    out.write(`${HELP}\n`);
    return 0;
  }
  if (words.length !== 1 || words[0] !== 'create')
    throw new UsageError(`expected create, got ${JSON.stringify(words.join(' '))}; --help says what it does`);
  const wanted = wantedOf(values);
  const client = await AdminClient.open(values, context);
  return askingAdmins(context, async () => {
    const answer = await client.post('tokens', wanted, tokenSchema);
    if (values.json) return void out.write(`${printableJson(answer)}\n`);
    out.write(`${printable(answer.token, 4096)}\n`);
    err.write(
      `For one machine of ${wanted.operator} (${wanted.tier}), until ${printable(answer.expires_at, 40)}. There:\n\n  ASU_NODE_JOIN=TOKEN asu node --edge ${client.edgeUrl}\n`,
    );
  });
};

function wantedOf(values: FlagValues) {
  const [operator, tier] = [String(values.operator ?? ''), String(values.tier ?? '')];
  const expires = String(values.expires ?? DEFAULT_LIFE);
  if (!OPERATOR_NAME.test(operator))
    throw new UsageError(
      `--operator: expected letters, digits, "_", "." or "-", at most 64, got ${JSON.stringify(operator)}`,
    );
  if (!TIERS.some((one) => one === tier))
    throw new UsageError(`--tier: expected ${TIERS.join(' or ')}, got ${JSON.stringify(tier)}`);
  const seconds = parseDuration(expires);
  if (seconds === null || seconds < 60 || seconds * 1000 > MAX_TOKEN_LIFE_MS)
    throw new UsageError(
      `--expires: expected a time from 1m to ${MAX_DAYS}d, such as 12h, got ${JSON.stringify(expires)}`,
    );
  return { operator, tier, expires_seconds: seconds };
}
