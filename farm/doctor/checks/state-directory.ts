/**
 * Can ImageBuilders live and work where the state is to lie? Tried for real, in a directory that is removed again: mount
 * options, quotas and file systems of every kind have in common only that they say so when something is done.
 */
import { execFile } from 'node:child_process';
import { access, chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { checkStateDirectory } from '../../build/workspace.ts';
import { type Check, type Finding, ok, problem } from '../check.ts';

export const stateDirectoryCheck: Check = {
  id: 'state',
  patienceMs: 20_000,
  run: async ({ stateDirectory }) => {
    try {
      checkStateDirectory(stateDirectory);
    } catch (error) {
      return problem((error as Error).message, 'choose another with --state');
    }
    const existing = await nearestDirectory(stateDirectory);
    if (existing === null)
      return problem(
        `${stateDirectory} cannot be made: something above it is no directory`,
        'choose another with --state',
      );
    const isThere = existing === stateDirectory;
    const trial = await begin(existing);
    if (typeof trial !== 'string') return trial;
    try {
      const wrong = [await tryCase(trial), await tryExecution(trial)].filter((finding) => finding !== null);
      return wrong.length > 0 ? wrong : ok(`${stateDirectory} is usable${isThere ? '' : ' (it will be made)'}`);
    } finally {
      await rm(trial, { recursive: true, force: true });
    }
  },
};

/** The directory itself, or the lowest above it that is there; null where a file is in the way. */
export async function nearestDirectory(directory: string): Promise<string | null> {
  for (let candidate = directory; ; candidate = path.dirname(candidate)) {
    const entry = await stat(candidate).catch((error: NodeJS.ErrnoException) => error);
    if (entry instanceof Error && entry.code === 'ENOENT' && candidate !== '/') continue;
    return !(entry instanceof Error) && entry.isDirectory() ? candidate : null;
  }
}

async function begin(directory: string): Promise<string | Finding> {
  try {
    const trial = await mkdtemp(path.join(directory, '.asu-doctor-'));
    return trial;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return problem(
      `nothing can be written in ${directory} (${code})`,
      CODES.get(code ?? '') ?? 'choose another with --state',
    );
  }
}

const CODES: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'make room on that disk'],
  ['EDQUOT', 'ask for a larger quota'],
  ['EROFS', 'it is mounted read-only: choose another with --state'],
  ['EACCES', 'give it to the user that the node runs as (chown), or choose another with --state'],
]);

/** Packages hold files whose names differ in case alone. */
async function tryCase(trial: string): Promise<Finding | null> {
  await writeFile(path.join(trial, 'Case'), '');
  const isFolded = await access(path.join(trial, 'case')).then(
    () => true,
    () => false,
  );
  return isFolded
    ? problem('the file system takes "A" and "a" for one name', 'use a case-sensitive one; choose another with --state')
    : null;
}

async function tryExecution(trial: string): Promise<Finding | null> {
  const script = path.join(trial, 'script');
  await writeFile(script, '#!/bin/sh\nexit 0\n');
  await chmod(script, 0o755);
  try {
    await promisify(execFile)(script, [], { timeout: 10_000 });
    return null;
  } catch (error) {
    const { code } = error as { code?: unknown };
    return code === 'EACCES'
      ? problem(
          'programs cannot be run there: it is mounted noexec',
          'mount it with exec, or choose another with --state',
        )
      : problem(`a script cannot be run there (${code})`, 'choose another with --state');
  }
}
