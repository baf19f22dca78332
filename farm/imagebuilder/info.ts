/**
 * `make info`, asked once per ImageBuilder and remembered beside its tree as the text it was: a better parser then needs no
 * new question. Parsed once as well; of a target with 350 devices that is worth it.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { BuildError } from '../../shared/build/build-error.ts';
import { type MakeInfo, parseMakeInfo } from '../../shared/upstream/make-info.ts';

/** By path, which names the bytes. */
const parsed = new LRUCache<string, MakeInfo>({ max: 32 });

/** What `make info` of a tree said lies here. */
const infoFileOf = (tree: string): string => `${tree}.info`;

/**
 * @param tree the shared tree's path
 * @param ask runs `make info` in a build's private tree and gives its stdout; only where it was not asked when the tree was new
 */
export async function infoOf(tree: string, leaseId: string, ask: () => Promise<string>): Promise<MakeInfo> {
  const known = parsed.get(tree);
  if (known) return known;
  const info = (await rememberedInfo(tree)) ?? (await askedInfo(tree, leaseId, ask));
  parsed.set(tree, info);
  return info;
}

async function rememberedInfo(tree: string): Promise<MakeInfo | null> {
  const text = await readFile(infoFileOf(tree), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return parseMakeInfo(text);
  } catch {
    // An older version of us kept it, or a disk lost it: asking again is cheap.
    return null;
  }
}

async function askedInfo(tree: string, leaseId: string, ask: () => Promise<string>): Promise<MakeInfo> {
  const text = await ask();
  const info = parse(text);
  // Two first builds may both be here; each writes its own file, and either's will do.
  const draft = `${infoFileOf(tree)}.${leaseId}`;
  await writeFile(draft, text);
  await rename(draft, infoFileOf(tree));
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
