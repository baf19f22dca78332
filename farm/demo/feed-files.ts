/**
 * One feed's directory: its package files, their index in the release's form, the index's signature and index.json.
 */
import type { UsignKeyPair } from '../../shared/crypto/usign.ts';
import { signUsign } from '../../shared/crypto/usign.ts';
import type { DemoPackage } from './demo-package.ts';
import { controlLines, type PackageFile, packageFile } from './package-file.ts';
import type { ReleaseRow } from './releases-table.ts';
import { gzipStored } from './tar-archive.ts';

export type Files = Map<string, Uint8Array>;

/** File names relative to the feed. */
export async function feedFiles(
  packages: readonly DemoPackage[],
  release: ReleaseRow,
  key: UsignKeyPair,
): Promise<Files> {
  const { era } = release;
  const built = packages
    .map((pack) => ({ pack, file: packageFile(pack, era, release.sourceDateEpoch) }))
    .sort((one, other) => (one.pack.name < other.pack.name ? -1 : 1));
  const files: Files = new Map(built.map(({ file }) => [file.name, file.bytes]));
  const index = Buffer.from(built.map(({ pack, file }) => `${stanza(pack, file)}\n\n`).join(''));
  const signature = await signUsign(index, key);
  if (era === 'opkg') {
    files.set('Packages', index);
    files.set('Packages.gz', gzipStored(index));
    files.set('Packages.manifest', index);
    files.set('Packages.sig', Buffer.from(signature));
  } else {
    files.set('packages.adb', Buffer.concat([Buffer.from(`demo-adb\n${signature}\n`), index]));
  }
  files.set('index.json', Buffer.from(indexJson(packages, release)));
  return files;
}

function stanza(pack: DemoPackage, file: PackageFile): string {
  const sha256 = pack.corrupt ? file.sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) : file.sha256;
  return [
    ...controlLines(pack),
    `Filename: ${file.name}`,
    `Size: ${file.bytes.length}`,
    `SHA256sum: ${sha256}`,
    `Description:  ${pack.name} of the demo`,
  ].join('\n');
}

function indexJson(packages: readonly DemoPackage[], release: ReleaseRow): string {
  const architecture = packages[0]?.arch ?? '';
  const versions = packages.map(({ name, abi, version }): [string, string] =>
    release.indexVersion === 1 ? [name, version] : [name.slice(0, name.length - abi.length), version],
  );
  const sorted = Object.fromEntries(versions.sort(([one], [other]) => (one < other ? -1 : 1)));
  if (release.indexVersion === 2) return `${JSON.stringify({ version: 2, architecture, packages: sorted }, null, 2)}\n`;
  const entries = Object.entries(sorted).map(([name, version]) => `"${name}": "${version}"`);
  return `{"architecture": "${architecture}", "packages":{${entries.join(', ')}}}\n`;
}
