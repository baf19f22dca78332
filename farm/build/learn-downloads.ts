/**
 * Under which names a build keeps what its door gave it, so that the next one can be stocked (farm/packages/larder.ts). opkg
 * keeps a package under the name in its index. apk puts eight hex digits of a digest of its own before the `.apk`, so they are
 * read from where apk put them.
 *
 * A build runs strangers' code, so the directory is not believed: a file counts where it holds, byte for byte, what the door
 * gave for that very package. What is left to lie about are the digits, and then apk finds no such file and asks its door.
 */
import { lstat, opendir } from 'node:fs/promises';
import { OUTPUT_FILE } from '../../shared/request/grammar.ts';
import type { Era } from '../imagebuilder/era.ts';
import type { Served, Stocked } from '../packages/larder.ts';
import { digestOf, openOutput } from './output-directory.ts';

/** More than any build keeps. */
const MAX_ENTRIES = 5000;
const APK_KEPT = /^(.+)\.[0-9a-f]{8}\.apk$/;

/** @param downloads the build's `dl/`, when nothing of the build runs any more */
export async function learnDownloads(
  downloads: string,
  era: Era,
  served: readonly Served[],
  signal?: AbortSignal,
): Promise<readonly (Served & Stocked)[]> {
  if (era === 'opkg') return served.map((each) => ({ ...each, name: each.file }));
  // Also where it may have put a link in its place.
  const isPlain = (await lstat(downloads).catch(() => null))?.isDirectory() === true;
  if (served.length === 0 || !isPlain) return [];
  const names = await keptNames(downloads);
  const learned: (Served & Stocked)[] = [];
  for (const each of served)
    for (const name of names.get(each.file) ?? [])
      if (await holds(downloads, name, each, signal)) learned.push({ ...each, name });
  return learned;
}

/** By what they were asked for as. */
async function keptNames(downloads: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = new Map<string, string[]>();
  let entries = 0;
  for await (const { name } of await opendir(downloads)) {
    if (++entries > MAX_ENTRIES) break;
    if (!OUTPUT_FILE.test(name)) continue;
    const plain = APK_KEPT.exec(name)?.[1];
    const file = plain === undefined ? name : `${plain}.apk`;
    names.set(file, [...(names.get(file) ?? []), name]);
  }
  return names;
}

async function holds(
  downloads: string,
  name: string,
  { sha256, sizeBytes }: Served,
  signal?: AbortSignal,
): Promise<boolean> {
  const opened = await openOutput(downloads, name, 'read');
  if (opened === null) return false;
  try {
    return opened.sizeBytes === sizeBytes && (await digestOf(opened.file, sizeBytes, signal)) === sha256;
  } finally {
    await opened.file.close();
  }
}
