/**
 * The command line of `npm run serve`, and where the edge's variables come from: flags, the environment, a file. A name that is no
 * variable stops the start where it can be told from somebody else's, which it can be in a file and in a flag.
 */
import { parseEnv } from 'node:util';
import {
  type EdgeSettingName,
  type EdgeSettings,
  isEdgeSetting,
  parseEdgeSettings,
} from '../../shared/edge-settings.ts';
import { parse, stateDirectory, UsageError } from '../cli/flags.ts';
import { parseListenAddress } from '../cli/listen-address.ts';
import { knownSetting, parseSet } from '../cli/set-flag.ts';
import type { Given } from '../stack/config-table.ts';

export type ServeCommand =
  | { readonly command: 'help' }
  | {
      readonly command: 'serve' | 'print-config';
      /** `host:port`. */
      readonly address: string;
      readonly stateDirectory: string;
      readonly set: Readonly<Record<string, string>>;
      readonly settingsFile: string | null;
    };

const FLAGS = {
  listen: { type: 'string' },
  state: { type: 'string' },
  settings: { type: 'string' },
  set: { type: 'string', multiple: true },
  'print-config': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

export const SERVE_HELP = `Runs the edge on this machine without Cloudflare (workerd serve): the same Worker, its KV and its Durable
Objects on the local disk, images in an S3 store. Farm nodes join it with \`asu node --join\`.

  npm run serve -- --settings /etc/asu/edge.env --state /var/lib/asu

  --listen HOST:PORT  where it listens (default 127.0.0.1:8787); a proxy that speaks TLS belongs before it
  --state DIR         where everything is kept (default .asu)
  --settings FILE     variables of the edge, as NAME=value lines
  --set NAME=VALUE    one variable of the edge; may be repeated
  --print-config      list the variables, their values and where these came from
  --help              this text

Variables are also taken from the environment; --set wins over it, and it over the file. Needed are S3_ENDPOINT,
S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY. SERVER_KEY and ADMIN_KEY are made at the first start where they are not given.`;

/** @throws UsageError saying what was expected */
export function parseServeCommand(argv: readonly string[]): ServeCommand {
  const values = parse(argv, FLAGS);
  if (values.help) return { command: 'help' };
  const address = (values.listen as string | undefined) ?? '127.0.0.1:8787';
  if (!parseListenAddress(address))
    throw new UsageError(`--listen: expected HOST:PORT, such as 127.0.0.1:8787, got ${JSON.stringify(address)}`);
  return {
    command: values['print-config'] ? 'print-config' : 'serve',
    address,
    stateDirectory: stateDirectory('--state', (values.state as string | undefined) ?? '.asu'),
    set: parseSet((values.set as string[] | undefined) ?? []),
    settingsFile: (values.settings as string | undefined) ?? null,
  };
}

/** `settingsText`: of the file, if there is one. @throws UsageError naming what is no variable */
export function gather(
  { set, settingsFile }: { readonly set: Readonly<Record<string, string>>; readonly settingsFile: string | null },
  settingsText: string,
  environment: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<EdgeSettingName, Given> {
  // Whoever reaches it without a proxy writes what he likes into a header that nobody sets.
  const given = new Map<EdgeSettingName, Given>([['CLIENT_ADDRESS_HEADER', { value: '', from: 'this command' }]]);
  for (const [name, value] of Object.entries(parseEnv(settingsText)))
    given.set(knownSetting(settingsFile ?? '', name), { value: value ?? '', from: settingsFile ?? '' });
  for (const [name, value] of Object.entries(environment))
    if (isEdgeSetting(name) && value !== undefined) given.set(name, { value, from: 'environment' });
  for (const [name, value] of Object.entries(set)) given.set(knownSetting('--set', name), { value, from: '--set' });
  return given;
}

/** @throws UsageError naming the variable that is missing, or impossible */
export function judge(given: ReadonlyMap<EdgeSettingName, Given>): EdgeSettings {
  const settings = settingsOf(given);
  for (const name of ['S3_ENDPOINT', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const)
    if (settings[name] === '')
      throw new UsageError(
        `${name} is not set. Without Cloudflare, images are kept in an S3 store (MinIO, or any other): give ${name} by the environment, or in a file with --settings`,
      );
  return settings;
}

function settingsOf(given: ReadonlyMap<EdgeSettingName, Given>): EdgeSettings {
  try {
    return parseEdgeSettings(Object.fromEntries([...given].map(([name, { value }]) => [name, value])));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
