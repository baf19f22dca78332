/**
 * The package files: `.ipk` is a tar.gz of control.tar.gz and data.tar.gz as opkg has it; `.apk` is a plain tar.gz with
 * `.PKGINFO` in front (apk 3's own format is binary, and no ImageBuilder made of sh could read it).
 */
import { createHash } from 'node:crypto';
import type { DemoPackage } from './demo-package.ts';
import type { Era } from './releases-table.ts';
import { type TarMember, tarGz } from './tar-archive.ts';

export type PackageFile = { readonly name: string; readonly bytes: Uint8Array; readonly sha256: string };

export function packageFile(pack: DemoPackage, era: Era, mtimeSeconds: number): PackageFile {
  const name = era === 'opkg' ? `${pack.name}_${pack.version}_${pack.arch}.ipk` : `${pack.name}-${pack.version}.apk`;
  const bytes = era === 'opkg' ? ipk(pack, mtimeSeconds) : apk(pack, mtimeSeconds);
  return { name, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** The stanza's lines that describe a package, without those that describe its file. */
export function controlLines(pack: DemoPackage): string[] {
  const installedBytes = Object.values(pack.files).reduce((sum, content) => sum + content.length, 0);
  const optional = (field: string, values: readonly string[]) =>
    values.length > 0 ? [`${field}: ${values.join(', ')}`] : [];
  return [
    `Package: ${pack.name}`,
    `Version: ${pack.version}`,
    ...optional('Depends', pack.depends),
    ...optional('Provides', pack.provides),
    ...optional('Conflicts', pack.conflicts),
    'License: GPL-2.0-only',
    `Section: ${pack.name.startsWith('kmod-') ? 'kernel' : pack.name.startsWith('luci') ? 'luci' : 'base'}`,
    ...(pack.abi === '' ? [] : [`ABIVersion: ${pack.abi}`]),
    `Architecture: ${pack.arch}`,
    `Installed-Size: ${installedBytes}`,
  ];
}

function ipk(pack: DemoPackage, mtimeSeconds: number): Uint8Array {
  const control: TarMember[] = [
    { path: './control', content: `${[...controlLines(pack), `Description:  ${pack.name} of the demo`].join('\n')}\n` },
    ...(pack.postinst === undefined
      ? []
      : [{ path: './postinst', content: `#!/bin/sh\n${pack.postinst}`, executable: true }]),
  ];
  return tarGz(
    [
      { path: './debian-binary', content: '2.0\n' },
      { path: './data.tar.gz', content: tarGz([{ path: './' }, ...dataMembers(pack, './')], mtimeSeconds) },
      { path: './control.tar.gz', content: tarGz(control, mtimeSeconds) },
    ],
    mtimeSeconds,
  );
}

function apk(pack: DemoPackage, mtimeSeconds: number): Uint8Array {
  const control: TarMember[] = [
    { path: '.PKGINFO', content: `${controlLines(pack).join('\n')}\n` },
    ...(pack.postinst === undefined
      ? []
      : [{ path: '.post-install', content: `#!/bin/sh\n${pack.postinst}`, executable: true }]),
  ];
  return tarGz([...control, ...dataMembers(pack, '')], mtimeSeconds);
}

function dataMembers(pack: DemoPackage, prefix: string): TarMember[] {
  return Object.entries(pack.files)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([path, content]) => ({
      path: prefix + path,
      content,
      executable: /^(etc\/init\.d|etc\/rc\.common|bin|sbin|usr\/bin|usr\/sbin)/.test(path),
    }));
}
