/**
 * The whole environment of a build: nothing of the node's own reaches it. make would take PROFILE, FILES or MAKEFLAGS from
 * there as if they had been ordered, and a token in a variable would be readable to every package's script.
 */
import path from 'node:path';
import { TOOL_DIRECTORIES } from '../imagebuilder/host-tools.ts';
import type { Workspace } from './workspace.ts';

export const buildEnvironment = (workspace: Workspace): Readonly<Record<string, string>> => ({
  // Ours last: it only fills in for what the machine lacks (the demo's fetcher can do with Node.js).
  PATH: [...TOOL_DIRECTORIES, path.dirname(process.execPath)].join(':'),
  HOME: workspace.home,
  TMPDIR: workspace.temporaryDirectory,
  LC_ALL: 'C',
  TZ: 'UTC',
});
