/** A supply over the demo mirror, as tests need it: impatient, and with the demo's key as the operator's. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { DemoMirror } from '../demo/generate-mirror.ts';
import { DownloadShelf } from './download-shelf.ts';
import { ImageBuilderShelf } from './imagebuilder-shelf.ts';
import { ImageBuilderSupply, type SupplyOptions, type TreeProgress, type TreeSource } from './imagebuilder-supply.ts';
import type { SupplyTrust } from './verified-sums.ts';

export const trustIn = (key: string, more: Partial<SupplyTrust> = {}): SupplyTrust => ({
  keys: [key],
  allowUnsigned: false,
  gpgKeyFile: null,
  keysSetting: '--upstream-keys',
  ...more,
});

export interface TestSupply {
  readonly supply: ImageBuilderSupply;
  readonly shelf: ImageBuilderShelf;
  readonly downloads: DownloadShelf;
}

export function supplyIn(stateDirectory: string, trust: SupplyTrust, more: Partial<SupplyOptions> = {}): TestSupply {
  const shelf = new ImageBuilderShelf(stateDirectory);
  const downloads = new DownloadShelf(stateDirectory);
  const supply = new ImageBuilderSupply({
    shelf,
    downloads,
    trust,
    budget: null,
    downloadLimits: { backoffMs: 1 },
    sumsLimits: { backoffMs: 1 },
    ...more,
  });
  return { supply, shelf, downloads };
}

/** As an order names it: by the mirror's own list of this moment. */
export async function sourceOn(
  mirror: DemoMirror,
  mirrorUrl: string,
  version: string,
  target = 'demo/generic',
): Promise<TreeSource> {
  const release = mirror.releases.find((candidate) => candidate.version === version);
  const below = release?.targets.find((candidate) => candidate.target === target)?.imageBuilder ?? '';
  const sums = await readFile(path.join(mirror.directory, path.dirname(below), 'sha256sums'), 'utf8');
  const sha256 = sums
    .split('\n')
    .find((line) => line.endsWith(` *${path.basename(below)}`))
    ?.slice(0, 64);
  return { url: `${mirrorUrl}/${below}`, sha256: sha256 ?? '' };
}

export function listener(signal = new AbortController().signal) {
  const heard: TreeProgress[] = [];
  return { signal, heard, onProgress: (progress: TreeProgress) => void heard.push(progress) };
}
