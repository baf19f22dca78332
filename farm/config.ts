/**
 * A node's configuration: flags first, then `ASU_NODE_*` variables, then defaults; node-settings.ts has the table of them. Read
 * once; an unknown flag or an impossible value stops the start with a sentence.
 */
import type { ParseArgsConfig } from 'node:util';
import { GIB, MIB } from '../shared/text/byte-size.ts';
import { withoutTrailingSlashes } from '../shared/text/trailing-slashes.ts';
import { type FeedOptIn, whyNoPrefixes } from '../shared/trust/foreign-feeds.ts';
import { byteSize, type FlagValues, parse, stateDirectory, UsageError, whole } from './cli/flags.ts';
import { type ListenAddress, parseListenAddress } from './cli/listen-address.ts';
import { type Machine, thisMachine } from './cli/machine.ts';
import { redirectHosts } from './cli/redirect-hosts.ts';
import { AUTO, NONE, SETTINGS, type Setting, type SettingName, variableOf } from './node-settings.ts';
import { type NodeS3, nodeS3 } from './upload/node-s3.ts';

type Found = Readonly<Record<SettingName, { readonly value: string; readonly from: string }>>;

const ROWS = Object.entries(SETTINGS) as readonly [SettingName, Setting][];

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
  /** Null: settled at the first start; see disk/settle-disk-budget.ts. */
  readonly diskBudgetBytes: number | null;
  readonly diskReserveBytes: number;
  /** Of one build. */
  readonly buildMemoryBytes: number;
  readonly buildProcesses: number;
  /** Null: what is usual for the node's tier. */
  readonly foreignFeeds: FeedOptIn;
  /** Hosts inside to which a mirror inside may redirect. */
  readonly mirrorRedirectsTo: readonly string[];
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
  const found: Partial<Record<SettingName, { value: string; from: string }>> = {};
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

function checked(value: (name: SettingName) => string): NodeConfig {
  if (!/^https?:\/\/[^\s?#@]+$/.test(value('edge')) || !URL.canParse(value('edge')))
    throw new UsageError(`--edge: expected the URL of an edge, got ${JSON.stringify(value('edge'))}`);
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(value('name')))
    throw new UsageError(`--name: expected letters, digits, "_", "." or "-", got ${JSON.stringify(value('name'))}`);
  const logFormat = value('logFormat');
  if (logFormat !== 'text' && logFormat !== 'json')
    throw new UsageError(`--log-format: expected text or json, got ${JSON.stringify(logFormat)}`);
  return {
    edgeUrl: withoutTrailingSlashes(value('edge')),
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
    mirrorRedirectsTo: redirectHosts('--mirror-redirects-to', value('mirrorRedirectsTo')),
    metrics: listenAddress('--metrics', value('metrics'), 9100),
    listen: listenAddress('--listen', value('listen'), 8790),
    s3: nodeS3({
      endpoint: value('s3Endpoint'),
      bucket: value('s3Bucket'),
      region: value('s3Region'),
      accessKeyId: value('s3AccessKeyId'),
      secret: value('s3Secret'),
      secretFile: value('s3SecretFile'),
      sessionToken: value('s3SessionToken'),
      sessionTokenFile: value('s3SessionTokenFile'),
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
