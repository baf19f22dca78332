/** The command line of `npm start` and `npm run demo`. */
import { EDGE_SETTINGS, parseEdgeSettings } from '../../shared/edge-settings.ts';
import { httpUrl, parse, stateDirectory, UsageError, whole } from '../cli/flags.ts';
import { parseSet } from '../cli/set-flag.ts';
import { envFile } from './env-file.ts';

export interface StackOptions {
  readonly stateDirectory: string;
  /** False where the demo uses a directory of its own and removes it. */
  readonly keepsState: boolean;
  readonly upstream: { readonly kind: 'demo' } | { readonly kind: 'mirror'; readonly url: string };
  /** Null: any free one. */
  readonly port: number | null;
  readonly slots: number | null;
  /** Off for the demo, whose packages are ours. */
  readonly requiresSandbox: boolean;
  /** S3 endpoint; null: the R2 of wrangler. */
  readonly s3: string | null;
  /** Edge variables as given, unparsed. */
  readonly set: Readonly<Record<string, string>>;
}

export type StackCommand =
  | { readonly command: 'start' | 'demo'; readonly options: StackOptions }
  | { readonly command: 'print-config'; readonly options: StackOptions }
  | { readonly command: 'help' };

const FLAGS = {
  upstream: { type: 'string' },
  demo: { type: 'boolean' },
  port: { type: 'string' },
  state: { type: 'string' },
  slots: { type: 'string' },
  'no-require-sandbox': { type: 'boolean' },
  s3: { type: 'string' },
  set: { type: 'string', multiple: true },
  'print-config': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const DEFAULT_PORT = 8787;

/** Of the `minio` service in docker-compose.yml, which listens on loopback only. */
export const LOCAL_S3_KEYS = { S3_ACCESS_KEY_ID: 'asu-local', S3_SECRET_ACCESS_KEY: 'asu-local-secret' } as const;

export const HELP = `Runs the whole service on this machine: the edge (wrangler), a farm node, and storage.

  npm start                      serve ${EDGE_SETTINGS.UPSTREAM_URL.fallback} on http://127.0.0.1:${DEFAULT_PORT}
  npm start -- --demo            serve the demo distribution, which needs no network
  npm run demo                   show one build from request to image, then stop

  --upstream URL   mirror in the layout of downloads.openwrt.org
  --demo           the demo mirror, made on the spot
  --port N         port of the edge (default ${DEFAULT_PORT})
  --state DIR      where everything is kept (default .asu)
  --slots N        builds at once (default: cores, or memory in GiB if less)
  --no-require-sandbox
                   build without a fence where this machine has none (the demo does so anyway)
  --s3 URL         keep images in this S3 store instead of wrangler's R2
  --set NAME=VALUE set a variable of the edge; may be repeated
  --print-config   list the variables, their values and where these came from
  --help           this text`;

/** @throws UsageError saying what was expected */
export function parseStackCommand(argv: readonly string[]): StackCommand {
  const [verb, ...rest] = argv;
  if (verb !== 'start' && verb !== 'demo') throw new UsageError(`expected start or demo, got ${JSON.stringify(verb)}`);
  const values = parse(rest, FLAGS);
  if (values.help) return { command: 'help' };
  const text = (name: keyof typeof FLAGS) => values[name] as string | undefined;
  const set = judgedSet((values.set as string[] | undefined) ?? []);
  if (values.demo && values.upstream !== undefined) throw new UsageError('--demo and --upstream exclude each other');
  const upstreamUrl = text('upstream') ?? set.UPSTREAM_URL ?? EDGE_SETTINGS.UPSTREAM_URL.fallback;
  const isDemo = values.demo === true || verb === 'demo';
  const options: StackOptions = {
    stateDirectory: stateDirectory('--state', text('state') ?? '.asu'),
    keepsState: verb === 'start' || text('state') !== undefined,
    upstream: isDemo ? { kind: 'demo' } : { kind: 'mirror', url: httpUrl('--upstream', upstreamUrl) },
    port:
      text('port') === undefined
        ? verb === 'demo'
          ? null
          : DEFAULT_PORT
        : whole('--port', text('port') ?? '', 1, 65_535),
    slots: text('slots') === undefined ? null : whole('--slots', text('slots') ?? '', 1, 256),
    requiresSandbox: !isDemo && !values['no-require-sandbox'],
    s3: text('s3') === undefined ? null : httpUrl('--s3', text('s3') ?? ''),
    set,
  };
  return { command: values['print-config'] ? 'print-config' : verb, options };
}

function judgedSet(pairs: readonly string[]): Record<string, string> {
  const set = parseSet(pairs);
  try {
    parseEdgeSettings({ SERVER_KEY: '0'.repeat(64), ...set });
    envFile(set);
  } catch (error) {
    throw new UsageError(`--set: ${(error as Error).message}`);
  }
  return set;
}
