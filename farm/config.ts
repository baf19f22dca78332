/**
 * A node's configuration: flags first, then `ASU_NODE_*` variables, then defaults. Read once; an unknown flag or an
 * impossible value stops the start with a sentence.
 */
import type { ParseArgsConfig } from 'node:util';
import { exactByteSize, GIB, MIB } from '../shared/byte-size.ts';
import { type FeedOptIn, whyNoPrefixes } from '../shared/trust/foreign-feeds.ts';
import { byteSize, type FlagValues, parse, stateDirectory, UsageError, whole } from './cli/flags.ts';
import { type ListenAddress, parseListenAddress } from './cli/listen-address.ts';
import { type Machine, thisMachine } from './cli/machine.ts';
import { type NodeS3, nodeS3 } from './upload/node-s3.ts';

interface Setting {
  readonly flag: string;
  /** `switch`: `--flag` and `--no-flag`, its variable 1 or 0. `list`: may be repeated, its variable parted by `parting`. */
  readonly kind?: 'switch' | 'list';
  /** Absent: ":". */
  readonly parting?: string;
  readonly placeholder?: string;
  readonly text: string;
  readonly fallback: (machine: Machine, value: (name: 'slots') => string) => string;
  readonly secret?: true;
  /** There is no flag: everybody on a machine can read the arguments of its processes. */
  readonly variableOnly?: true;
}

/** A build takes a core and about a GiB of memory. */
const defaultSlots = (machine: Machine): number =>
  Math.max(1, Math.min(machine.cores, Math.floor(machine.memoryBytes / GIB)));

/** The rest is for the node itself, its proxy and the page cache. */
function defaultBuildMemory(machine: Machine, slots: number): number {
  const shareBytes = Math.floor((machine.memoryBytes * 0.75) / slots / MIB) * MIB;
  return Math.min(4 * GIB, Math.max(512 * MIB, shareBytes || 0));
}

const AUTO = 'auto';
const NONE = 'none';

const SETTINGS = {
  edge: { flag: 'edge', placeholder: 'URL', text: 'the edge to work for', fallback: () => '' },
  join: {
    flag: 'join',
    placeholder: 'TOKEN',
    text: 'one-time join token, needed at the first start',
    fallback: () => '',
    secret: true,
  },
  state: {
    flag: 'state',
    placeholder: 'DIR',
    text: 'where key, ImageBuilders and workspaces lie',
    fallback: () => '.asu/node',
  },
  slots: {
    flag: 'slots',
    placeholder: 'N',
    text: 'builds at once',
    fallback: (machine) => String(defaultSlots(machine)),
  },
  name: {
    flag: 'name',
    placeholder: 'NAME',
    text: 'shown in tables',
    fallback: ({ hostname }) => hostname.replace(/[^A-Za-z0-9_.-]/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'node',
  },
  report: { flag: 'report-ms', placeholder: 'MS', text: 'how often progress is told', fallback: () => '5000' },
  upstreamKeys: {
    flag: 'upstream-keys',
    kind: 'list',
    placeholder: 'FILE',
    text: 'further usign public keys that upstream may sign with; may be repeated',
    fallback: () => '',
  },
  upstreamGpgKeys: {
    flag: 'upstream-gpg-keys',
    placeholder: 'FILE',
    text: 'OpenPGP public keys whose signature counts where there is no usign one; needs gpg',
    fallback: () => '',
  },
  allowUnsigned: {
    flag: 'allow-unsigned',
    kind: 'switch',
    text: 'build from an upstream without signatures',
    fallback: () => '0',
  },
  requireSandbox: {
    flag: 'require-sandbox',
    kind: 'switch',
    text: 'refuse to start where builds cannot be fenced',
    fallback: () => '1',
  },
  diskBudget: {
    flag: 'disk-budget',
    placeholder: 'SIZE',
    text: `what ImageBuilders, packages and builds may take (${AUTO}: half of what is free at the first start, 5G to 100G)`,
    fallback: () => AUTO,
  },
  diskReserve: {
    flag: 'disk-reserve',
    placeholder: 'SIZE',
    text: 'what stays free on that disk whatever the budget',
    fallback: () => '1G',
  },
  buildMemory: {
    flag: 'build-memory',
    placeholder: 'SIZE',
    text: 'memory of one build',
    fallback: (machine, value) => exactByteSize(defaultBuildMemory(machine, Number(value('slots')))),
  },
  buildProcesses: {
    flag: 'build-processes',
    placeholder: 'N',
    text: 'processes of one build',
    fallback: () => '2000',
  },
  foreignFeeds: {
    flag: 'foreign-feeds',
    kind: 'list',
    parting: ' ',
    placeholder: 'URL',
    text: `below which URLs builds may fetch foreign package feeds; may be repeated (${NONE}: nowhere; ${AUTO}: wherever the edge lets them on its own nodes, nowhere on a volunteer's)`,
    fallback: () => AUTO,
  },
  metrics: {
    flag: 'metrics',
    placeholder: 'HOST:PORT',
    text: 'where Prometheus may ask, best on loopback (empty: nowhere)',
    fallback: () => '',
  },
  listen: {
    flag: 'listen',
    placeholder: 'HOST:PORT',
    text: 'where the node itself may be called, by gRPC, gRPC-Web and Connect (empty: nowhere)',
    fallback: () => '',
  },
  s3Endpoint: {
    flag: 's3-endpoint',
    placeholder: 'URL',
    text: 'the edge’s S3 store, for nodes that may put files there by themselves (empty: through the edge)',
    fallback: () => '',
  },
  s3Bucket: { flag: 's3-bucket', placeholder: 'NAME', text: 'its bucket', fallback: () => 'asu-images' },
  s3Region: { flag: 's3-region', placeholder: 'NAME', text: 'its region', fallback: () => 'us-east-1' },
  s3AccessKeyId: {
    flag: 's3-access-key-id',
    placeholder: 'ID',
    text: 'this node’s own access key, which reaches incoming/<its id>/ and nothing else',
    fallback: () => '',
  },
  s3SecretFile: {
    flag: 's3-secret-file',
    placeholder: 'FILE',
    text: 'a file with the secret of that key',
    fallback: () => '',
  },
  s3Secret: {
    flag: 's3-secret-access-key',
    placeholder: 'SECRET',
    text: 'the secret itself',
    fallback: () => '',
    secret: true,
    variableOnly: true,
  },
  logFormat: { flag: 'log-format', placeholder: 'FORMAT', text: 'text or json', fallback: () => 'text' },
} as const satisfies Record<string, Setting>;

type Name = keyof typeof SETTINGS;
type Found = Readonly<Record<Name, { readonly value: string; readonly from: string }>>;

const ROWS = Object.entries(SETTINGS) as readonly [Name, Setting][];

export interface NodeConfig {
  readonly edgeUrl: string;
  readonly joinToken: string | null;
  readonly stateDirectory: string;
  readonly slots: number;
  readonly name: string;
  readonly reportMs: number;
  /** Not read yet; see cli/upstream-keys.ts. */
  readonly upstreamKeyFiles: readonly string[];
  readonly upstreamGpgKeyFile: string | null;
  readonly allowsUnsigned: boolean;
  readonly requiresSandbox: boolean;
  /** Null: settled at the first start; see cli/settle-disk-budget.ts. */
  readonly diskBudgetBytes: number | null;
  readonly diskReserveBytes: number;
  /** Of one build. */
  readonly buildMemoryBytes: number;
  readonly buildProcesses: number;
  /** Null: what is usual for the node's tier. */
  readonly foreignFeeds: FeedOptIn;
  readonly metrics: ListenAddress | null;
  /** Of the node's own server; see server/serve-node.ts. */
  readonly listen: ListenAddress | null;
  /** Null: files go through the edge. */
  readonly s3: NodeS3 | null;
  readonly logFormat: 'text' | 'json';
}

export type NodeCommand =
  | { readonly command: 'run'; readonly config: NodeConfig }
  | { readonly command: 'print'; readonly text: string };

/** @throws UsageError saying what was expected */
export function parseNodeCommand(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
  machine: Machine = thisMachine(),
): NodeCommand {
  const values = parse(argv, { ...Object.assign({}, ...ROWS.map(([, row]) => flagsOf(row))), ...PRINTING });
  if (values.help) return { command: 'print', text: help() };
  const found: Partial<Record<Name, { value: string; from: string }>> = {};
  // In the table's order: a default may be made from what stands above it.
  for (const [name, row] of ROWS)
    found[name] = given(row, values, environment) ?? {
      value: row.fallback(machine, (earlier) => found[earlier]?.value ?? ''),
      from: 'default',
    };
  if (values['print-config']) return { command: 'print', text: tableOf(found as Found) };
  return { command: 'run', config: checked((name) => (found as Found)[name].value) };
}

const PRINTING = { help: { type: 'boolean' }, 'print-config': { type: 'boolean' } } as const;

function flagsOf({ flag, kind, variableOnly }: Setting): NonNullable<ParseArgsConfig['options']> {
  if (variableOnly) return {};
  if (kind === 'switch') return { [flag]: { type: 'boolean' }, [`no-${flag}`]: { type: 'boolean' } };
  return { [flag]: { type: 'string', multiple: kind === 'list' } };
}

function given(
  row: Setting,
  values: FlagValues,
  environment: NodeJS.ProcessEnv,
): { value: string; from: string } | undefined {
  const [flag, off] = [values[row.flag], values[`no-${row.flag}`]];
  if (flag !== undefined && off !== undefined)
    throw new UsageError(`--${row.flag} and --no-${row.flag} exclude each other`);
  if (off !== undefined) return { value: '0', from: `--no-${row.flag}` };
  if (flag === true) return { value: '1', from: `--${row.flag}` };
  if (flag !== undefined) return { value: [flag].flat().join(row.parting ?? ':'), from: `--${row.flag}` };
  const value = environment[variableOf(row)];
  return value === undefined ? undefined : { value, from: variableOf(row) };
}

const tableOf = (found: Found): string =>
  ROWS.map(([name, row]) => {
    const { value, from } = found[name];
    return `${row.flag} = ${row.secret && value ? '(secret)' : value} (${from})`;
  }).join('\n');

function checked(value: (name: Name) => string): NodeConfig {
  if (!/^https?:\/\/[^\s?#@]+$/.test(value('edge')) || !URL.canParse(value('edge')))
    throw new UsageError(`--edge: expected the URL of an edge, got ${JSON.stringify(value('edge'))}`);
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(value('name')))
    throw new UsageError(`--name: expected letters, digits, "_", "." or "-", got ${JSON.stringify(value('name'))}`);
  const logFormat = value('logFormat');
  if (logFormat !== 'text' && logFormat !== 'json')
    throw new UsageError(`--log-format: expected text or json, got ${JSON.stringify(logFormat)}`);
  return {
    edgeUrl: value('edge').replace(/\/+$/, ''),
    joinToken: value('join') || null,
    stateDirectory: stateDirectory('--state', value('state')),
    slots: whole('--slots', value('slots'), 1, 256),
    name: value('name'),
    reportMs: whole('--report-ms', value('report'), 100, 20_000),
    upstreamKeyFiles: value('upstreamKeys').split(':').filter(Boolean),
    upstreamGpgKeyFile: value('upstreamGpgKeys') || null,
    allowsUnsigned: isOn('allow-unsigned', value('allowUnsigned')),
    requiresSandbox: isOn('require-sandbox', value('requireSandbox')),
    diskBudgetBytes:
      value('diskBudget') === AUTO
        ? null
        : byteSize('--disk-budget', value('diskBudget'), 100 * MIB, 1024 * 1024 * GIB),
    diskReserveBytes: byteSize('--disk-reserve', value('diskReserve'), 0, 1024 * GIB),
    buildMemoryBytes: byteSize('--build-memory', value('buildMemory'), 128 * MIB, 1024 * GIB),
    buildProcesses: whole('--build-processes', value('buildProcesses'), 64, 100_000),
    foreignFeeds: feedOptIn(value('foreignFeeds')),
    metrics: listenAddress('--metrics', value('metrics'), 9100),
    listen: listenAddress('--listen', value('listen'), 8790),
    s3: nodeS3({
      endpoint: value('s3Endpoint'),
      bucket: value('s3Bucket'),
      region: value('s3Region'),
      accessKeyId: value('s3AccessKeyId'),
      secret: value('s3Secret'),
      secretFile: value('s3SecretFile'),
    }),
    logFormat,
  };
}

/** An empty variable is a slip, and no answer to a question of trust. */
function feedOptIn(value: string): FeedOptIn {
  if (value === AUTO) return null;
  if (value === NONE) return [];
  const prefixes = value.split(' ').filter((prefix) => prefix !== '');
  const wrong = prefixes.length === 0 ? `expected ${AUTO}, ${NONE} or URLs, got nothing` : whyNoPrefixes(prefixes);
  if (wrong !== null) throw new UsageError(`--foreign-feeds: ${wrong}`);
  return prefixes;
}

/** Null: nowhere. */
function listenAddress(flag: string, value: string, example: number): ListenAddress | null {
  const address = parseListenAddress(value);
  if (address === null && value !== '')
    throw new UsageError(`${flag}: expected HOST:PORT such as 127.0.0.1:${example}, got ${JSON.stringify(value)}`);
  return address;
}

/** A switch; its other values can only come from the variable. */
function isOn(flag: string, value: string): boolean {
  if (value !== '0' && value !== '1')
    throw new UsageError(`${variableOf({ flag })}: expected 1 or 0, got ${JSON.stringify(value)}`);
  return value === '1';
}

const variableOf = ({ flag }: Pick<Setting, 'flag'>): string => `ASU_NODE_${flag.toUpperCase().replaceAll('-', '_')}`;

const HELP_COLUMN = 26;

const help = (): string =>
  [
    'A farm node: builds images for an edge.',
    '',
    ...ROWS.map(([, row]) => {
      const variable = variableOf(row);
      if (row.variableOnly) return `  ${variable.padEnd(HELP_COLUMN)} ${row.text} (no flag)`;
      const flag = row.kind === 'switch' ? `--[no-]${row.flag}` : `--${row.flag} ${row.placeholder}`;
      return `  ${flag.padEnd(HELP_COLUMN)} ${row.text} (or ${variable})`;
    }),
    `  ${'--print-config'.padEnd(HELP_COLUMN)} print every value and where it came from`,
    `  ${'--help'.padEnd(HELP_COLUMN)} this text`,
    '',
    'SIZE is a number of bytes or 500M, 40G, 1T, in powers of 1024.',
  ].join('\n');
