/**
 * `profiles.json`, once for the mirror's target directory (all profiles, stock images) and once, as a template, for the
 * ImageBuilder's own output: the same fields, so that whoever compares the two finds them equal.
 */
import { createHash } from 'node:crypto';
import { linuxKernelOf, revisionOf } from './demo-package.ts';
import type { MirrorState } from './mirror-state.ts';
import { defaultPackages, type ProfileRow, packageManager, type ReleaseRow, type TargetRow } from './releases-table.ts';

export type StockImage = {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly filesystem: string;
  readonly type: string;
};

export function defaultPackagesOf(release: ReleaseRow, target: TargetRow): readonly string[] {
  return [...defaultPackages, ...target.targetPackages, packageManager[release.era]];
}

/** What image and ImageBuilder names begin with; snapshots have no version in theirs. */
export function imagePrefix(release: ReleaseRow, target: TargetRow): string {
  const version = release.version === 'SNAPSHOT' ? '' : `${release.version}-`;
  return `openwrt-${version}${target.target.replace('/', '-')}`;
}

/** Endings of a profile's images. From the apk era on, a PC's root file system as tar.gz counts as one. */
export function imagesOf(release: ReleaseRow, profile: ProfileRow): readonly string[] {
  const isPc = profile.images.some((image) => image.includes('combined'));
  return release.era === 'apk' && isPc ? [...profile.images, 'targz-rootfs.tar.gz'] : profile.images;
}

/** The part of profiles.json that is not about profiles, around those given. Keys sorted as upstream's are. */
export function targetDocument(
  release: ReleaseRow,
  target: TargetRow,
  state: MirrorState,
  profiles: Readonly<Record<string, object>>,
): object {
  return {
    arch_packages: target.arch,
    default_packages: defaultPackagesOf(release, target).toSorted(),
    linux_kernel: linuxKernelOf(release, target),
    metadata_version: 1,
    profiles,
    source_date_epoch: release.sourceDateEpoch,
    target: target.target,
    version_code: revisionOf(release, state).code,
    version_number: release.version,
  };
}

/** A profile without its images. */
export function profileDocument(release: ReleaseRow, profile: ProfileRow): object {
  const hasLimits = release.era === 'apk' && profile.imageSizeBytes !== undefined;
  return {
    device_packages: profile.devicePackages,
    ...(hasLimits ? { file_size_limits: { image: profile.imageSizeBytes, kernel: profile.kernelBytes } } : {}),
    image_prefix: '',
    images: [],
    supported_devices: profile.supportedDevices,
    titles: [profile.title],
  };
}

/** Images that upstream offers for download. They only have to exist and to have their digest. */
export function stockImages(release: ReleaseRow, target: TargetRow, profile: ProfileRow): readonly StockImage[] {
  const prefix = `${imagePrefix(release, target)}-${profile.id}`;
  return imagesOf(release, profile).map((image) => ({
    name: `${prefix}-${image}`,
    bytes: Buffer.from(`Stock image ${image} of ${profile.id}, ${release.version}; for no device.\n`),
    filesystem: image.split('-')[0] ?? '',
    type: image.split('-').slice(1).join('-').split('.')[0] ?? '',
  }));
}

export function mirrorProfilesJson(release: ReleaseRow, target: TargetRow, state: MirrorState): string {
  const profiles = target.profiles.map((profile): [string, object] => {
    const images = stockImages(release, target, profile).map(({ name, bytes, filesystem, type }) => {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const size = release.era === 'apk' ? { size: bytes.length } : {};
      return { filesystem, name, sha256, sha256_unsigned: sha256, ...size, type };
    });
    const prefix = `${imagePrefix(release, target)}-${profile.id}`;
    return [profile.id, { ...profileDocument(release, profile), image_prefix: prefix, images }];
  });
  return JSON.stringify(targetDocument(release, target, state, Object.fromEntries(profiles)));
}
