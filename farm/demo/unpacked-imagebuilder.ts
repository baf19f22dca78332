/**
 * A demo ImageBuilder on disk, ready to run against a served mirror: for tests that want to see what a real `make`
 * prints. A farm node does the same with more care (digest, member checks, sandbox).
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { DemoMirror } from './generate-mirror.ts';

export type MakeResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type UnpackedImageBuilder = {
  readonly directory: string;
  /** One goal with variables, in a cleaned environment that has this process's node last in its PATH. */
  make(goal: string, variables?: Readonly<Record<string, string>>): Promise<MakeResult>;
  /** Replace text in the feed list. */
  editFeeds(edit: (text: string) => string): Promise<void>;
};

/** Throws when the mirror has no such release or target. The directory is made; what is in it stays. */
export async function unpackImageBuilder(options: {
  readonly mirror: DemoMirror;
  readonly mirrorUrl: string;
  readonly version: string;
  readonly target: string;
  readonly directory: string;
  /** The build's PATH; by default the system's programs and this process's node. */
  readonly path?: string;
}): Promise<UnpackedImageBuilder> {
  const { mirror, mirrorUrl, version, target, directory } = options;
  const path = options.path ?? `/usr/bin:/bin:${dirname(process.execPath)}`;
  const release = mirror.releases.find((candidate) => candidate.version === version);
  const found = release?.targets.find((candidate) => candidate.target === target);
  if (found === undefined) throw new Error(`expected a release and target of the demo, got ${version} ${target}`);
  await mkdir(directory, { recursive: true });
  const tarball = join(mirror.directory, found.imageBuilder);
  await promisify(execFile)('tar', ['-xf', tarball, '-C', directory, '--strip-components=1', '--no-same-owner']);
  const feedList = join(directory, (await readdir(directory)).find((name) => name.startsWith('repositories')) ?? '');
  const editFeeds = async (edit: (text: string) => string) =>
    writeFile(feedList, edit(await readFile(feedList, 'utf8')));
  await editFeeds((text) => text.replaceAll(mirror.repositoryUrl, mirrorUrl));
  return { directory, editFeeds, make: (goal, variables = {}) => runMake(directory, path, goal, variables) };
}

function runMake(
  directory: string,
  path: string,
  goal: string,
  variables: Readonly<Record<string, string>>,
): Promise<MakeResult> {
  const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const env = { PATH: path, HOME: directory, LANG: 'C' };
  return new Promise((resolve) => {
    execFile('make', [goal, ...words], { cwd: directory, env, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });
}
