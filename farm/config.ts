/**
 * A node's configuration: flags first, then `ASU_NODE_*` variables, then defaults. Read once; an unknown flag or an
 * impossible value stops the start with a sentence.
 */
import os from 'node:os';
import path from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { checkStateDirectory } from './build/workspace.ts';

interface Setting {
  readonly flag: string;
  readonly placeholder: string;
  readonly text: string;
  readonly fallback: () => string;
  readonly secret?: true;
}

const GIB = 1024 ** 3;

/** A build takes a core and about a GiB of memory. */
const defaultSlots = (): number => Math.max(1, Math.min(os.availableParallelism(), Math.floor(os.totalmem() / GIB)));

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
  slots: { flag: 'slots', placeholder: 'N', text: 'builds at once', fallback: () => String(defaultSlots()) },
  name: {
    flag: 'name',
    placeholder: 'NAME',
    text: 'shown in tables',
    fallback: () =>
      os
        .hostname()
        .replace(/[^A-Za-z0-9_.-]/g, '-')
        .replace(/^[^A-Za-z0-9]+/, '') || 'node',
  },
  report: { flag: 'report-ms', placeholder: 'MS', text: 'how often progress is told', fallback: () => '5000' },
} as const satisfies Record<string, Setting>;

type Name = keyof typeof SETTINGS;

export interface NodeConfig {
  readonly edgeUrl: string;
  readonly joinToken: string | null;
  readonly stateDirectory: string;
  readonly slots: number;
  readonly name: string;
  readonly reportMs: number;
}

export type NodeCommand =
  | { readonly command: 'run'; readonly config: NodeConfig }
  | { readonly command: 'print'; readonly text: string };

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function parseNodeCommand(argv: readonly string[], environment: NodeJS.ProcessEnv): NodeCommand {
  const flags = Object.fromEntries(Object.values(SETTINGS).map((row) => [row.flag, { type: 'string' as const }]));
  const values = parse(argv, { ...flags, help: { type: 'boolean' }, 'print-config': { type: 'boolean' } });
  if (values.help) return { command: 'print', text: help() };
  const found = Object.fromEntries(
    (Object.entries(SETTINGS) as [Name, Setting][]).map(([name, row]) => {
      const variable = variableOf(row);
      const flag = values[row.flag] as string | undefined;
      if (flag !== undefined) return [name, { value: flag, from: `--${row.flag}` }];
      const given = environment[variable];
      return [
        name,
        given === undefined ? { value: row.fallback(), from: 'default' } : { value: given, from: variable },
      ];
    }),
  ) as Record<Name, { value: string; from: string }>;
  if (values['print-config'])
    return {
      command: 'print',
      text: (Object.entries(SETTINGS) as [Name, Setting][])
        .map(
          ([name, row]) =>
            `${row.flag} = ${row.secret && found[name].value ? '(secret)' : found[name].value} (${found[name].from})`,
        )
        .join('\n'),
    };
  return { command: 'run', config: checked((name) => found[name].value) };
}

function checked(value: (name: Name) => string): NodeConfig {
  if (!/^https?:\/\/[^\s?#@]+$/.test(value('edge')))
    throw new UsageError(`--edge: expected the URL of an edge, got ${JSON.stringify(value('edge'))}`);
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(value('name')))
    throw new UsageError(`--name: expected letters, digits, "_", "." or "-", got ${JSON.stringify(value('name'))}`);
  return {
    edgeUrl: value('edge').replace(/\/+$/, ''),
    joinToken: value('join') || null,
    stateDirectory: stateDirectory('--state', value('state')),
    slots: whole('--slots', value('slots'), 1, 256),
    name: value('name'),
    reportMs: whole('--report-ms', value('report'), 100, 20_000),
  };
}

/** Absolute; checked here, since make would fail below such a directory only in the middle of a build. */
export function stateDirectory(flag: string, value: string): string {
  const directory = path.resolve(value);
  try {
    checkStateDirectory(directory);
  } catch (error) {
    throw new UsageError(`${flag}: ${(error as Error).message}`);
  }
  return directory;
}

export function whole(flag: string, value: string, min: number, max: number): number {
  if (!/^\d+$/.test(value) || Number(value) < min || Number(value) > max)
    throw new UsageError(`${flag}: expected a whole number from ${min} to ${max}, got ${JSON.stringify(value)}`);
  return Number(value);
}

/** parseArgs, its errors as usage errors. */
export function parse(
  args: readonly string[],
  options: NonNullable<ParseArgsConfig['options']>,
): Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}; --help lists what there is`);
  }
}

const variableOf = (row: Setting): string => `ASU_NODE_${row.flag.toUpperCase().replaceAll('-', '_')}`;

const help = (): string =>
  [
    'A farm node: builds images for an edge.',
    '',
    ...Object.values(SETTINGS).map(
      (row: Setting) => `  --${`${row.flag} ${row.placeholder}`.padEnd(16)} ${row.text} (or ${variableOf(row)})`,
    ),
    '  --print-config    print every value and where it came from',
    '  --help            this text',
  ].join('\n');
