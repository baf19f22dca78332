/** As many devices as upstream has, on the demo's mirror, in the version that the page offers first. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BenchServer } from '../bench-server.ts';
import { LARGE } from '../large-index.ts';

export const MANY_DEVICES = 2_500;
const MAKERS = 40;

/** Before anybody has asked for them. */
export async function manyDevices(server: BenchServer): Promise<void> {
  const file = path.join(server.mirrorDirectory, 'releases', LARGE.version, '.overview.json');
  const overview = JSON.parse(await readFile(file, 'utf8')) as { readonly profiles: readonly object[] };
  const invented = Array.from({ length: MANY_DEVICES - overview.profiles.length }, (_, n) => ({
    id: `maker${n % MAKERS}_router-${n}`,
    target: LARGE.target,
    titles: [{ vendor: `Maker${n % MAKERS}`, model: `Router ${n}`, variant: `v${n % 3}` }],
  }));
  await writeFile(`${file}.new`, JSON.stringify({ ...overview, profiles: [...overview.profiles, ...invented] }));
  await rename(`${file}.new`, file);
}
