/**
 * What a node may fill of its disk where nobody said it: half of what is free at the first start. Remembered, because what
 * is free at a later start is less by what the node itself has kept, and a budget made anew would shrink with every start.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { exactByteSize, GIB, parseByteSize } from '../../shared/text/byte-size.ts';
import { freeBytes } from './free-space.ts';

const FILE = 'disk-budget';
const LEAST_BYTES = 5 * GIB;
const MOST_BYTES = 100 * GIB;

export const defaultDiskBudget = (freeBytes: number): number =>
  Math.min(MOST_BYTES, Math.max(LEAST_BYTES, Math.floor(freeBytes / 2)));

/** The remembered budget; null before the first start, or where the file holds something else. */
export async function rememberedDiskBudget(stateDirectory: string): Promise<number | null> {
  const text = await readFile(path.join(stateDirectory, FILE), 'utf8').catch(() => '');
  return parseByteSize(text.trim());
}

/** To be called at the start. The directory is made if it is not there; what cannot be written is decided anew next time. */
export async function settleDiskBudget(stateDirectory: string, configuredBytes: number | null): Promise<number> {
  if (configuredBytes !== null) return configuredBytes;
  const remembered = await rememberedDiskBudget(stateDirectory);
  if (remembered !== null) return remembered;
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  const budgetBytes = defaultDiskBudget(await freeBytes(stateDirectory));
  const file = path.join(stateDirectory, FILE);
  await writeFile(`${file}.new`, `${exactByteSize(budgetBytes)}\n`)
    .then(() => rename(`${file}.new`, file))
    .catch(() => undefined);
  return budgetBytes;
}
