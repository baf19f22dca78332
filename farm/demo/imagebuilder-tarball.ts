/**
 * The ImageBuilder of one release and target: the scripts of `imagebuilder/` plus what differs, as make variables, feed
 * lists, keys, kernels and the three packages that an ImageBuilder carries with it.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UsignKeyPair } from '../../shared/crypto/usign.ts';
import { publicKeyPem } from './demo-key.ts';
import { type DemoPackage, feedUrls, revisionOf } from './demo-package.ts';
import type { MirrorState } from './mirror-state.ts';
import { packageFile } from './package-file.ts';
import { defaultPackagesOf, imagePrefix, imagesOf, profileDocument, targetDocument } from './profiles-json.ts';
import type { ProfileRow, ReleaseRow, TargetRow } from './releases-table.ts';
import { gzipStored, type TarMember, tar } from './tar-archive.ts';

const sources = join(import.meta.dirname, 'imagebuilder');
const carried = ['base-files', 'kernel', 'libc'];

export type ImageBuilderParts = {
  readonly release: ReleaseRow;
  readonly target: TargetRow;
  readonly packages: readonly DemoPackage[];
  readonly key: UsignKeyPair;
  readonly state: MirrorState;
};

/** `openwrt-imagebuilder-[<version>-]<target>-<subtarget>.Linux-x86_64`; the one top directory has the same name. */
export function imageBuilderName(release: ReleaseRow, target: TargetRow): string {
  return `openwrt-imagebuilder-${imagePrefix(release, target).replace(/^openwrt-/, '')}.Linux-x86_64`;
}

export async function imageBuilderTarball(parts: ImageBuilderParts): Promise<{ name: string; bytes: Uint8Array }> {
  const { release, target, state } = parts;
  const top = imageBuilderName(release, target);
  const members = [...sourceMembers(), ...generatedMembers(parts)]
    .map((member) => ({ ...member, path: `${top}/${member.path}` }))
    .sort((one, other) => (one.path < other.path ? -1 : 1));
  const archive = tar([{ path: `${top}/` }, ...members], release.sourceDateEpoch);
  return { name: `${top}.tar.${state.compression}`, bytes: await compress(archive, state.compression) };
}

function sourceMembers(): TarMember[] {
  const scripts = readdirSync(join(sources, 'scripts'));
  return [
    { path: 'Makefile', content: readFileSync(join(sources, 'Makefile')) },
    ...scripts.map((name) => ({
      path: `scripts/${name}`,
      content: readFileSync(join(sources, 'scripts', name)),
      executable: !name.includes('.'),
    })),
  ];
}

function generatedMembers(parts: ImageBuilderParts): TarMember[] {
  const { release, target, packages, key } = parts;
  const linux = `build_dir/target-${target.arch}_musl/linux-${target.target.replace('/', '_')}`;
  return [
    { path: 'include/version.mk', content: versionMk(parts) },
    { path: 'include/target.mk', content: targetMk(parts) },
    { path: 'target/profiles.mk', content: profilesMk(parts) },
    { path: 'target/profiles.info', content: target.profiles.map(profileInfo).join('') },
    ...target.profiles.flatMap((profile) => [
      { path: `target/${profile.id}.json`, content: overviewTemplate(parts, profile) },
      { path: `${linux}/${profile.id}-kernel.bin`, content: kernelImage(release, profile) },
    ]),
    feedList(parts),
    release.era === 'opkg'
      ? { path: `keys/${key.keyId}`, content: key.publicKey }
      : { path: 'keys/openwrt-demo.pem', content: publicKeyPem(key.publicKey) },
    ...packages
      .filter(({ name }) => carried.includes(name))
      .map((pack) => packageFile(pack, release.era, release.sourceDateEpoch))
      .map(({ name, bytes }) => ({ path: `packages/${name}`, content: bytes })),
  ];
}

function versionMk({ release, state }: ImageBuilderParts): string {
  return [
    `VERSION_NUMBER := ${release.version}`,
    `VERSION_CODE := ${revisionOf(release, state).code}`,
    `SOURCE_DATE_EPOCH := ${release.sourceDateEpoch}`,
    '',
  ].join('\n');
}

function targetMk({ release, target, packages, state }: ImageBuilderParts): string {
  const [board, subtarget] = target.target.split('/');
  const pins = packages.filter(({ name }) => carried.includes(name)).map(({ name, version }) => `"${name}=${version}"`);
  const isListed = target.profiles.every((profile) => imagesOf(release, profile).includes('targz-rootfs.tar.gz'));
  return [
    `BOARD := ${board}`,
    `SUBTARGET := ${subtarget}`,
    `CPU := ${target.cpu}`,
    `ARCH_PACKAGES := ${target.arch}`,
    `DEFAULT_PACKAGES := ${defaultPackagesOf(release, target).join(' ')}`,
    `LOCAL_PINS := ${release.era === 'apk' ? pins.join(' ') : ''}`,
    `UNLISTED_ROOTFS := ${isListed ? '' : 'rootfs.tar.gz'}`,
    `DELAY_SECONDS := ${state.delaySeconds}`,
    `WEIGHT_MIB := ${state.weightMib}`,
    `LARGE_MIB := ${state.largeMib}`,
    '',
  ].join('\n');
}

function title(profile: ProfileRow): string {
  return [profile.title.vendor, profile.title.model, profile.title.variant].filter(Boolean).join(' ');
}

function profilesMk({ release, target }: ImageBuilderParts): string {
  const lines = target.profiles.flatMap((profile) => {
    const device = `DEVICE_${profile.id}`;
    return [
      `PROFILE_NAMES += ${device}`,
      `${device}_NAME := ${title(profile)}`,
      `${device}_PACKAGES := ${profile.devicePackages.join(' ')}`,
      `${device}_SUPPORTED_DEVICES := ${profile.supportedDevices.join(' ')}`,
      `${device}_IMAGES := ${imagesOf(release, profile).join(' ')}`,
      `${device}_IMAGE_SIZE := ${profile.imageSizeBytes ?? ''}`,
    ];
  });
  return `${lines.join('\n')}\n`;
}

/** What `make info` prints of a profile. */
function profileInfo(profile: ProfileRow): string {
  const hasMetadata = profile.supportedDevices.length > 0;
  return [
    `${profile.id}:`,
    `    ${title(profile)}`,
    `    Packages: ${profile.devicePackages.join(' ')}`,
    `    hasImageMetadata: ${hasMetadata ? 1 : 0}`,
    ...(hasMetadata ? [`    SupportedDevices: ${profile.supportedDevices.join(' ')}`] : []),
    '',
  ].join('\n');
}

/** profiles.json of a build of this profile, with two places that the build fills in. */
function overviewTemplate({ release, target, state }: ImageBuilderParts, profile: ProfileRow): string {
  const document = { ...profileDocument(release, profile), image_prefix: '@PREFIX@', images: ['@IMAGES@'] };
  const text = JSON.stringify(targetDocument(release, target, state, { [profile.id]: document }));
  return `${text.replace('"@IMAGES@"', '@IMAGES@')}\n`;
}

function kernelImage(release: ReleaseRow, profile: ProfileRow): Uint8Array {
  const name = `Linux ${release.kernel} for ${profile.id}\n`;
  const body = createHash('shake256', { outputLength: profile.kernelBytes - name.length })
    .update(name)
    .digest();
  return Buffer.concat([Buffer.from(name), body]);
}

function feedList({ release, target, state }: ImageBuilderParts): TarMember {
  const feeds = feedUrls(release, target, state.repositoryUrl);
  if (release.era === 'apk') {
    const lines = [
      '# Package feeds, one index a line. The local packages/ are always there.',
      ...feeds.map(({ url }) => `${url}/packages.adb`),
    ];
    return { path: 'repositories', content: `${lines.join('\n')}\n` };
  }
  const lines = [
    '## Package feeds; custom ones must match architecture and version.',
    ...feeds.map(({ name, url }) => `src/gz ${name} ${url}`),
    '',
    '## The packages that lie in this ImageBuilder.',
    'src imagebuilder file:packages',
    'option check_signature',
  ];
  return { path: 'repositories.conf', content: `${lines.join('\n')}\n` };
}

async function compress(archive: Uint8Array, compression: MirrorState['compression']): Promise<Uint8Array> {
  if (compression === 'gz') return gzipStored(archive);
  const [tool, ...options] = compression === 'xz' ? ['xz', '-c', '-T1'] : ['zstd', '-c', '-q'];
  return await new Promise((resolve, reject) => {
    const child = execFile(tool ?? '', options, { encoding: 'buffer', maxBuffer: 1 << 28 }, (error, stdout) =>
      error
        ? reject(new Error(`expected ${tool} to compress an ImageBuilder: install it or use gz`, { cause: error }))
        : resolve(stdout),
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(archive);
  });
}
