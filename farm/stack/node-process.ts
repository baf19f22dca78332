/** One farm node on this machine, as a process of its own. */
import path from 'node:path';
import { Child } from './child-process.ts';
import { PROJECT } from './edge-process.ts';

export interface NodeOptions {
  readonly edgeUrl: string;
  readonly stateDirectory: string;
  readonly joinToken: string;
  readonly name: string;
  readonly slots?: number;
  readonly reportMs?: number;
  /** Keys that upstream may sign with, beside OpenWrt's. */
  readonly upstreamKeyFile?: string;
  readonly allowsUnsigned?: boolean;
  /** Absent: as a node by itself. */
  readonly requiresSandbox?: boolean;
  /** `host:port` where it may be called; absent: nowhere. */
  readonly listen?: string;
  /** A module that is loaded before the node's own. */
  readonly preload?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}

export const startNode = (options: NodeOptions): Child =>
  new Child({
    command: [
      process.execPath,
      ...(options.preload === undefined ? [] : ['--import', options.preload]),
      path.join(PROJECT, 'farm/main.ts'),
      ...['--edge', options.edgeUrl],
      ...['--state', options.stateDirectory],
      ...['--name', options.name],
      ...(options.slots === undefined ? [] : ['--slots', String(options.slots)]),
      ...(options.reportMs === undefined ? [] : ['--report-ms', String(options.reportMs)]),
      ...(options.upstreamKeyFile === undefined ? [] : ['--upstream-keys', options.upstreamKeyFile]),
      ...(options.allowsUnsigned ? ['--allow-unsigned'] : []),
      ...(options.listen === undefined ? [] : ['--listen', options.listen]),
      ...(options.requiresSandbox === false ? ['--no-require-sandbox'] : []),
    ],
    cwd: PROJECT,
    // A token on the command line could be read by everybody on this machine.
    env: { ...process.env, ...options.variables, ASU_NODE_JOIN: options.joinToken },
    onLine: options.onLine,
  });
