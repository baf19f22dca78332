/** Every image that was promised is fetched, weighed against its digest, and opened. */
import { createHash } from 'node:crypto';
import { contentsOf } from '../../evidence/image-contents.ts';
import type { Ledger } from '../ledger.ts';
import { keyOf, ordinaryPackagesOf, scriptOf, type Wish } from '../wishes.ts';
import type { Finding } from './finding.ts';

interface ToldBuild {
  readonly bin_dir: string;
  readonly images: readonly { readonly name: string; readonly sha256: string; readonly size: number }[];
}

export async function auditImages(
  serverUrl: string,
  { accepted }: Ledger,
  hashes: readonly string[],
): Promise<Finding> {
  const wrong: string[] = [];
  let files = 0;
  for (const hash of hashes) {
    const wish = accepted.get(hash);
    if (!wish) continue;
    try {
      files += await auditBuild(serverUrl, hash, wish);
    } catch (error) {
      wrong.push(`${hash.slice(0, 12)} (${keyOf(wish)}): ${(error as Error).message}`);
    }
  }
  return { what: 'images', found: `${files} files of ${hashes.length} builds fetched, weighed and opened`, wrong };
}

/** How many files it has. @throws Error saying what is wrong with one of them */
async function auditBuild(serverUrl: string, hash: string, wish: Wish): Promise<number> {
  const { bin_dir, images } = (await (await fetch(`${serverUrl}/api/v1/build/${hash}`)).json()) as ToldBuild;
  for (const { name, sha256, size } of images) {
    const answer = await fetch(`${serverUrl}/store/${bin_dir}/${name}`);
    if (answer.status !== 200) throw new Error(`${name}: status ${answer.status}`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (bytes.length !== size) throw new Error(`${name}: expected ${size} bytes, got ${bytes.length}`);
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new Error(`${name}: another digest`);
    const { packages, script } = await contentsOf(bytes);
    if (packages.join(' ') !== ordinaryPackagesOf(wish).join(' '))
      throw new Error(`${name}: it has ${packages.join(' ')}`);
    if (script.trim() !== (scriptOf(wish) ?? '').trim()) throw new Error(`${name}: its first-boot script is ${script}`);
  }
  return images.length;
}
