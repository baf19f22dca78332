/**
 * What was installed in real ImageBuilders, held against the indexes that they installed from: pieces of them always, the
 * whole ones where the samples lie beside the project.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { absentPackages } from '../../shared/request/absent-packages.ts';
import { bareNamesOfIndex, bareNamesOfStanzas, installedPackages } from '../../shared/request/installed-packages.ts';
import { parseIndexJson } from '../../shared/upstream/feed.ts';
import { parseManifest } from '../../shared/upstream/manifest.ts';
import { oneSidedConflicts } from '../../shared/upstream/one-sided-conflicts.ts';
import { parseOpkgIndex } from '../../shared/upstream/opkg-index.ts';

const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url));
const releases = fileURLToPath(new URL('../../../shared/samples/upstream/releases/', import.meta.url));

const manifestOf = (name: string) => parseManifest(readFileSync(path.join(fixtures, `${name}.out`), 'utf8'));
const stanzasIn = (files: readonly string[]) => files.flatMap((file) => parseOpkgIndex(readFileSync(file, 'utf8')));
const versionsIn = (files: readonly string[]) =>
  new Map(files.flatMap((file) => [...parseIndexJson(readFileSync(file, 'utf8')).packages]));

const x86 = `${releases}23.05.5/{packages/x86_64/*,targets/x86/64/packages}/Packages`;
const opkgIndexes: [string, () => ReturnType<typeof stanzasIn>][] = [
  ['a piece of the indexes', () => stanzasIn([path.join(fixtures, 'installed-23.05.5.Packages')])],
  ...(existsSync(releases) ? [['the indexes', () => stanzasIn(globSync(x86))] as [string, () => never[]]] : []),
];

describe.each(opkgIndexes)('23.05.5 by %s', (_, read) => {
  const stanzas = read();

  test('names without ABI are those that make manifest STRIP_ABI=1 printed', () => {
    const { packages, undecided } = installedPackages(manifestOf('manifest'), bareNamesOfStanzas(stanzas));
    expect(undecided).toEqual([]);
    // The other list is of another selection: with ppp.
    const { ppp, ...stripped } = manifestOf('manifest-abi');
    expect(ppp).toBeDefined();
    expect(packages).toEqual(stripped);
    expect(Object.keys(packages)).toContain('libubox');
  });

  test('firewall beside firewall4 is found, and nothing in what installs well', () => {
    expect(oneSidedConflicts(manifestOf('manifest-fw'), stanzas)).toEqual([
      { package: 'firewall', other: 'firewall4' },
    ]);
    expect(oneSidedConflicts(manifestOf('manifest'), stanzas)).toEqual([]);
  });

  test('what was asked for is there, also by a name that is only provided', () => {
    const manifest = manifestOf('manifest');
    const { packages } = installedPackages(manifest, bareNamesOfStanzas(stanzas));
    const asked = ['busybox', 'libubox20230523', 'libubox', 'uci-firewall', 'nftables'];
    expect(absentPackages(asked, [manifest, packages], stanzas)).toEqual([]);
    expect(absentPackages([...asked, 'dnsmasq-full'], [manifest, packages], stanzas)).toEqual(['dnsmasq-full']);
  });
});

const apkIndexes: [string, () => ReadonlyMap<string, string>][] = [
  ['a piece of the indexes', () => versionsIn([path.join(fixtures, 'installed-25.12.5.index.json')])],
  ...(existsSync(releases)
    ? [['the indexes', () => versionsIn(globSync(`${releases}25.12.5/**/index.json`))] as [string, () => never]]
    : []),
];

test.each(apkIndexes)(
  '25.12.5 by %s: names without ABI are those that make manifest STRIP_ABI=1 printed',
  (_, read) => {
    const bareNames = bareNamesOfIndex(read());
    const { packages, undecided } = installedPackages(manifestOf('a-dnsmasq'), bareNames);
    expect(undecided).toEqual([]);
    expect(packages).toMatchObject({
      libubox: expect.any(String),
      jansson: expect.any(String),
      'libnl-tiny': expect.any(String),
    });
    // The other list is of another selection; what is in both has one name.
    const stripped = manifestOf('a-manifest');
    const known = new Set([...Object.keys(stripped), 'dnsmasq-full', 'ppp']);
    expect(Object.keys(packages).filter((name) => !known.has(name))).toEqual([]);
    // And a list that is stripped already stays as it is.
    expect(installedPackages(stripped, bareNames)).toEqual({ packages: stripped, undecided: [] });
  },
);
