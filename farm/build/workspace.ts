/**
 * The directory of one build, `<state>/work/<lease id>`: its private ImageBuilder and what comes out of it.
 * It outlives the build until its files are uploaded; whoever started the build removes it then, and what a crash left
 * behind is removed at the next start.
 */
import { chmod, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { removeTree } from '../fence/remove-tree.ts';

export interface Workspace {
  readonly directory: string;
  readonly tree: string;
  /** What make is told to put images into; new and empty, since an ImageBuilder merges into what it finds. */
  readonly binDirectory: string;
  readonly home: string;
  readonly temporaryDirectory: string;
}

const LEASE_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
/** make splits and expands paths: a blank, `#`, `$`, `:` or `%` anywhere above breaks builds in ways nobody can read. */
const MAKE_SAFE_PATH = /^\/[A-Za-z0-9/_.-]*$/;

/** @throws Error with a sentence for whoever runs the node */
export function checkStateDirectory(stateDirectory: string): void {
  if (!MAKE_SAFE_PATH.test(stateDirectory))
    throw new Error(
      `expected the state directory to be an absolute path of letters, digits, "/", "_", "." and "-" (make cannot work below another), got ${JSON.stringify(stateDirectory)}`,
    );
}

export const isLeaseId = (leaseId: string): boolean => LEASE_ID.test(leaseId);

/** A new one; what an earlier attempt under the same lease left is removed. */
export async function createWorkspace(stateDirectory: string, leaseId: string): Promise<Workspace> {
  const directory = directoryOf(stateDirectory, leaseId);
  await removeTree(directory);
  await mkdir(path.dirname(directory), { recursive: true, mode: 0o700 });
  await mkdir(directory, { mode: 0o700 });
  const workspace: Workspace = {
    directory,
    tree: path.join(directory, 'tree'),
    binDirectory: path.join(directory, 'bin'),
    home: path.join(directory, 'home'),
    temporaryDirectory: path.join(directory, 'tmp'),
  };
  for (const part of [workspace.binDirectory, workspace.home, workspace.temporaryDirectory]) await mkdir(part);
  return workspace;
}

/**
 * The first-boot script, where `FILES` expects it. The directories keep the modes of a root file system, because FILES is
 * copied over it with its modes; the file is for root alone, since it stays readable in /rom for the device's life.
 */
export async function writeDefaults(workspace: Workspace, defaults: string): Promise<string> {
  const files = path.join(workspace.directory, 'files');
  const script = path.join(files, 'etc/uci-defaults/99-asu-defaults');
  await mkdir(path.dirname(script), { recursive: true });
  await writeFile(script, defaults, { mode: 0o600, flag: 'wx' });
  for (const below of ['etc/uci-defaults/99-asu-defaults', 'etc/uci-defaults', 'etc', '.']) {
    const entry = path.join(files, below);
    if (entry !== script) await chmod(entry, 0o755);
    // Not the time of this build: two nodes must make the same bytes.
    await utimes(entry, 0, 0);
  }
  return files;
}

/** When the images are collected: the script, and every copy of it in the tree, are gone; the output stays. */
export async function removeAllButOutput(workspace: Workspace): Promise<void> {
  for (const entry of await readdir(workspace.directory)) {
    const full = path.join(workspace.directory, entry);
    if (full !== workspace.binDirectory) await removeTree(full);
  }
}

/** To be called when the build's files are uploaded, or nobody wants them. */
export async function removeWorkspace(stateDirectory: string, leaseId: string): Promise<void> {
  await removeTree(directoryOf(stateDirectory, leaseId));
}

/**
 * At start-up: what a crash left, but for those that are to be kept. What cannot be removed is told and left: it must not keep the
 * node away.
 */
export async function removeWorkspaces(
  stateDirectory: string,
  tell: (line: string) => void,
  keep: readonly string[] = [],
): Promise<void> {
  const work = path.join(stateDirectory, 'work');
  for (const name of await readdir(work).catch(() => [])) {
    if (keep.includes(name)) continue;
    await removeTree(path.join(work, name)).catch((error) => tell(`${name} cannot be removed: ${error.message}`));
  }
}

function directoryOf(stateDirectory: string, leaseId: string): string {
  if (!isLeaseId(leaseId))
    throw new Error(`expected a lease id of letters, digits, "_" and "-", got ${JSON.stringify(leaseId)}`);
  return path.join(stateDirectory, 'work', leaseId);
}
