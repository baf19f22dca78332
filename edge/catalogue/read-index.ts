/**
 * The index of one directory of packages, whatever its era. `index.json` version 2 is the smallest and has bare names;
 * version 1 has the ABI in its names and only `Packages` tells where it begins, except in the apk era, where there is no
 * `Packages` and version 1 was written with bare names already.
 */
import { type FeedIndex, parseIndexJson, parsePackagesText } from '../../shared/feed.ts';
import type { Sha256Sums } from '../../shared/sha256sums.ts';
import { parsed, type ReadFile, type Reading } from './reading.ts';

export interface ReadIndex extends FeedIndex {
  readonly sha256: string;
}

/**
 * `inside` is the directory's name as `sha256sums` writes paths; without sums every file is asked for.
 * Null: there is no index.
 * @throws UpstreamTrouble
 */
export async function readIndex(
  reading: Reading,
  base: string,
  inside: string,
  sums: Sha256Sums | null,
): Promise<ReadIndex | null> {
  const files = ['index.json', 'Packages'] as const;
  // Where one is listed, the other is not there: that saves a question at each refresh.
  const isListed = files.some((file) => sums?.has(`${inside}/${file}`));
  const read = async (file: (typeof files)[number]): Promise<ReadFile | null> => {
    const sha256 = sums?.get(`${inside}/${file}`);
    if (sha256 !== undefined) return reading.readVouched(`${base}/${inside}/${file}`, sha256);
    return isListed ? null : reading.read(`${base}/${inside}/${file}`);
  };
  const json = await read('index.json');
  const index = json && parsed(`${base}/${inside}/index.json`, () => parseIndexJson(json.text));
  if (json && index?.names === 'abi_free') return { ...index, sha256: json.sha256 };
  const text = await read('Packages');
  if (text) return { ...parsed(`${base}/${inside}/Packages`, () => parsePackagesText(text.text)), sha256: text.sha256 };
  return json && index ? { ...index, sha256: json.sha256 } : null;
}
