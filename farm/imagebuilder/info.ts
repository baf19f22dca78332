/**
 * `make info`, asked once per ImageBuilder and remembered beside its tree as the text it was: a better parser then needs no
 * new question. Asked in a build's private copy, since even `make info` writes to the tree it runs in.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { BuildError } from '../../shared/build-error.ts';
import { type MakeInfo, parseMakeInfo } from '../../shared/make-info.ts';

/**
 * @param tree the pristine tree's path, beside which the text is kept
 * @param ask runs `make info` and gives its stdout
 */
export async function infoOf(tree: string, leaseId: string, ask: () => Promise<string>): Promise<MakeInfo> {
  const cachePath = `${tree}.info`;
  const remembered = await readFile(cachePath, 'utf8').catch(() => null);
  if (remembered !== null) {
    try {
      return parseMakeInfo(remembered);
    } catch {
      // An older version of us kept it, or a disk lost it: asking again is cheap.
    }
  }
  const text = await ask();
  const info = parse(text);
  // Two first builds may both be here; each writes its own file, and either's will do.
  await writeFile(`${cachePath}.${leaseId}`, text);
  await rename(`${cachePath}.${leaseId}`, cachePath);
  return info;
}

function parse(text: string): MakeInfo {
  try {
    return parseMakeInfo(text);
  } catch (cause) {
    throw new BuildError(
      'upstream_unavailable',
      `Error: The ImageBuilder does not say what it can build: ${cause instanceof Error ? cause.message : ''}. This is not a fault of your request`,
      { cause, stdout: text },
    );
  }
}
