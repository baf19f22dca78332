/**
 * What can be set of a node: the one table from which its flags, its variables, its help and its defaults are made, in the order
 * in which the help tells them. What a value must look like says config.ts.
 */
import { exactByteSize, GIB, MIB } from '../shared/text/byte-size.ts';
import type { Machine } from './cli/machine.ts';

export interface Setting {
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

/** Words that stand for a value. */
export const AUTO = 'auto';
export const NONE = 'none';

export const SETTINGS = {
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
  mirrorRedirectsTo: {
    flag: 'mirror-redirects-to',
    kind: 'list',
    parting: ' ',
    placeholder: 'HOST',
    text: 'to which hosts inside your network a mirror inside it may redirect, as HOST or HOST:PORT; may be repeated (empty: to none)',
    fallback: () => '',
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
  s3SessionTokenFile: {
    flag: 's3-session-token-file',
    placeholder: 'FILE',
    text: 'a file with the session token of that key, where it is a temporary one',
    fallback: () => '',
  },
  s3SessionToken: {
    flag: 's3-session-token',
    placeholder: 'TOKEN',
    text: 'the session token itself',
    fallback: () => '',
    secret: true,
    variableOnly: true,
  },
  logFormat: { flag: 'log-format', placeholder: 'FORMAT', text: 'text or json', fallback: () => 'text' },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

export const variableOf = ({ flag }: Pick<Setting, 'flag'>): string =>
  `ASU_NODE_${flag.toUpperCase().replaceAll('-', '_')}`;
