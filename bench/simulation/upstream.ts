/** The mirror of the simulated day: targets with their ImageBuilders, and what the catalogue would say of them. */
import { upstreamDigest } from '../../shared/build/freshness.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import type { ArchDocument, CatalogueDocument, TargetDocument } from '../../shared/upstream/catalogue-document.ts';
import { UPSTREAM } from './parameters.ts';

const { version, arch } = UPSTREAM;
const PACKAGES = { 'base-files': '1', luci: '2', dnsmasq: '3' };

export const profileName = (number: number): string => `vendor_device-${number}`;

export interface Target {
  readonly name: string;
  readonly imageBuilder: string;
  readonly upstreamDigest: string;
  /** What its ImageBuilder says of itself. */
  readonly profilesJson: string;
  readonly document: TargetDocument;
}

const archDocument: ArchDocument = {
  kind: 'arch',
  version,
  arch,
  packages: PACKAGES,
  packagesDigest: sha256Hex('packages'),
  provides: [],
  providesKnown: true,
  feeds: [],
  fetchedAt: 0,
  checkedAt: 0,
};

export const TARGETS: readonly Target[] = Array.from({ length: UPSTREAM.targets }, (_, number) => {
  const name = `target${number}/generic`;
  const imageBuilder = sha256Hex(`ImageBuilder ${number}`);
  const document: TargetDocument = {
    kind: 'target',
    version,
    target: name,
    versionCode: 'r28739-d9340319c6',
    archPackages: arch,
    defaultPackages: Object.keys(PACKAGES),
    profiles: {},
    packages: PACKAGES,
    packagesDigest: sha256Hex('packages'),
    provides: [],
    providesKnown: true,
    imageBuilder: { path: `releases/${version}/targets/${name}/imagebuilder.tar.zst`, sha256: imageBuilder },
    feeds: [],
    signedBy: 'unsigned',
    fetchedAt: 0,
    checkedAt: 0,
  };
  const profiles = Object.fromEntries(
    Array.from({ length: UPSTREAM.profilesOfTarget }, (_, at) => [profileName(at), { image_prefix: 'openwrt' }]),
  );
  const profilesJson = JSON.stringify({
    target: name,
    version_code: document.versionCode,
    version_number: version,
    arch_packages: arch,
    profiles,
  });
  return { name, imageBuilder, upstreamDigest: upstreamDigest(document, archDocument), profilesJson, document };
});

/** A handful of targets are most of what there is. */
export const someTarget = (random: () => number): Target =>
  TARGETS[Math.floor(TARGETS.length * random() ** 3)] as Target;

const byName = new Map(TARGETS.map((target) => [target.name, target]));

export function documentOf(kind: string, _version: string, name: string): CatalogueDocument | null {
  const checkedAt = Date.now();
  if (kind === 'arch') return { ...archDocument, checkedAt };
  const target = kind === 'target' ? byName.get(name) : undefined;
  return target ? { ...target.document, checkedAt } : null;
}
