/**
 * What a build made, judged and made ready to be served. An ImageBuilder that exits with 0 may have made nothing, or half of
 * it; so a build counts when profiles.json says what was ordered and every file that it names is there with its digest.
 * Afterwards BIN_DIR holds the unsigned bytes, and profiles.json and sha256sums that agree with them.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BUILD_ERRORS, BuildError } from '../../shared/build-error.ts';
import { sha256Hex, utf8ToBytes } from '../../shared/digest.ts';
import { OUTPUT_FILE } from '../../shared/grammar.ts';
import { type ProfilesJson, type ProfilesJsonImage, parseProfilesJson } from '../../shared/profiles-json.ts';
import type { BuildOutput, OutputFile } from '../build-event.ts';
import { unsignedLength } from './strip-signature.ts';

export interface Ordered {
  readonly target: string;
  readonly revision: string;
  readonly profile: string;
  /** Empty: every one. */
  readonly filesystem: string;
}

export interface Collected extends Pick<BuildOutput, 'files' | 'images' | 'profilesJson'> {
  /** Text of the image's `.manifest`; null where the ImageBuilder wrote none. */
  readonly imageManifest: string | null;
}

/** Null: the ImageBuilder made no image for the profile. */
export type CollectResult = Collected | null;

const PROFILES_JSON = 'profiles.json';
const SHA256SUMS = 'sha256sums';

/**
 * @throws BuildError `upstream_unavailable` when it is not what was ordered, `no_sysupgrade` when there is no image with
 * the wanted file system, `internal` when files and digests disagree
 */
export async function collectImages(binDirectory: string, ordered: Ordered): Promise<CollectResult> {
  const text = await readRegularFile(path.join(binDirectory, PROFILES_JSON));
  if (text === null) return null;
  const made = understood(text);
  const profile = made.profiles[ordered.profile];
  if (profile === undefined || profile.images.length === 0) return null;
  if (made.target !== ordered.target || made.version_code !== ordered.revision)
    throw new BuildError(
      'upstream_unavailable',
      `Error: Expected an image of ${ordered.target} at ${ordered.revision}, the ImageBuilder made one of ${made.target} at ${made.version_code}. This is not a fault of your request`,
    );
  const kept = profile.images.filter((image) => isWanted(image, ordered.filesystem));
  const dropped = new Set(profile.images.filter((image) => !kept.includes(image)).map((image) => image.name));
  if (!kept.some((image) => ordered.filesystem === '' || image.filesystem === ordered.filesystem))
    throw new BuildError(
      'no_sysupgrade',
      `${BUILD_ERRORS.no_sysupgrade.text} with file system ${ordered.filesystem}; it has ${filesystemsOf(profile.images)}`,
    );

  const images = await Promise.all(kept.map((image) => stripImage(binDirectory, image)));
  const others = await otherFiles(binDirectory, new Set([...images.map(({ name }) => name), ...dropped]));
  for (const name of dropped) if (OUTPUT_FILE.test(name)) await rm(path.join(binDirectory, name), { force: true });

  const profilesJson = JSON.stringify(unsignedDocument(made, ordered.profile, kept, images));
  const profilesFile = await writeOutput(binDirectory, PROFILES_JSON, profilesJson);
  const listed = [...images.map(({ file }) => file), ...others, profilesFile].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  const sums = listed.map((file) => `${file.sha256} *${file.name}\n`).join('');
  return {
    files: [...listed, await writeOutput(binDirectory, SHA256SUMS, sums)],
    images: images.map(({ name, type, filesystem, file }) => ({
      name,
      type,
      filesystem,
      sha256: file.sha256,
      sizeBytes: file.sizeBytes,
    })),
    profilesJson,
    imageManifest: await manifestAmong(others),
  };
}

const isWanted = (image: ProfilesJsonImage, filesystem: string): boolean =>
  filesystem === '' || image.filesystem === undefined || image.filesystem === filesystem;

const filesystemsOf = (images: readonly ProfilesJsonImage[]): string =>
  [...new Set(images.flatMap((image) => image.filesystem ?? []))].sort().join(', ') || 'none';

interface StrippedImage {
  readonly name: string;
  readonly type: string;
  readonly filesystem: string;
  readonly file: OutputFile;
}

async function stripImage(binDirectory: string, image: ProfilesJsonImage): Promise<StrippedImage> {
  if (!OUTPUT_FILE.test(image.name)) throw disagreement(`${JSON.stringify(image.name)} cannot be the name of a file`);
  const filePath = path.join(binDirectory, image.name);
  const file = await openRegularFile(filePath, constants.O_RDWR);
  if (file === null) throw disagreement(`${image.name} is named in profiles.json and not there`);
  try {
    const asMade = await digestOf(file, (await file.stat()).size);
    if (asMade !== image.sha256)
      throw disagreement(`expected ${image.name} with sha256 ${image.sha256}, got ${asMade}`);
    const sha256 = image.sha256_unsigned ?? image.sha256;
    if (sha256 !== asMade) {
      const lengthBytes = await unsignedLength(file);
      const unsigned = await digestOf(file, lengthBytes);
      if (unsigned !== sha256)
        throw disagreement(`expected ${image.name} without its signature to have sha256 ${sha256}, got ${unsigned}`);
      await file.truncate(lengthBytes);
    }
    const { size } = await file.stat();
    return {
      name: image.name,
      type: image.type,
      filesystem: image.filesystem ?? '',
      file: { name: image.name, path: filePath, sizeBytes: size, sha256 },
    };
  } finally {
    await file.close();
  }
}

/** What sha256sums lists beside the images: manifest, kernel, root file system, bill of materials. */
async function otherFiles(binDirectory: string, except: ReadonlySet<string>): Promise<OutputFile[]> {
  const sums = (await readRegularFile(path.join(binDirectory, SHA256SUMS))) ?? '';
  const listed = [...sums.matchAll(/^([0-9a-f]{64}) [ *](.+)$/gm)].map(([, sha256 = '', name = '']) => ({
    sha256,
    name,
  }));
  const wanted = listed.filter(
    ({ name }) => OUTPUT_FILE.test(name) && !except.has(name) && name !== PROFILES_JSON && name !== SHA256SUMS,
  );
  return await Promise.all(
    wanted.map(async ({ name, sha256 }) => {
      const filePath = path.join(binDirectory, name);
      const file = await openRegularFile(filePath, constants.O_RDONLY);
      if (file === null) throw disagreement(`${name} is named in sha256sums and not there`);
      try {
        const { size } = await file.stat();
        const got = await digestOf(file, size);
        if (got !== sha256) throw disagreement(`expected ${name} with sha256 ${sha256}, got ${got}`);
        return { name, path: filePath, sizeBytes: size, sha256 };
      } finally {
        await file.close();
      }
    }),
  );
}

/** With the digests and sizes of what is served, and of the one profile that was ordered. */
function unsignedDocument(
  made: ProfilesJson,
  profileId: string,
  kept: readonly ProfilesJsonImage[],
  stripped: readonly StrippedImage[],
): ProfilesJson {
  const images = kept.map((image, index) => {
    const file = stripped[index]?.file;
    if (file === undefined) throw new Error('expected one file for each image, got fewer');
    const size = image.size === undefined ? {} : { size: file.sizeBytes };
    return { ...image, sha256: file.sha256, sha256_unsigned: file.sha256, ...size };
  });
  const profile = made.profiles[profileId];
  if (profile === undefined) throw new Error(`expected profile ${profileId}, got none`);
  return { ...made, profiles: { [profileId]: { ...profile, images } } };
}

async function writeOutput(binDirectory: string, name: string, text: string): Promise<OutputFile> {
  const filePath = path.join(binDirectory, name);
  // Removed first: a build could have left a link there, and we would write to what it points at.
  await rm(filePath, { force: true });
  await writeFile(filePath, text, { flag: 'wx' });
  return { name, path: filePath, sizeBytes: utf8ToBytes(text).length, sha256: sha256Hex(text) };
}

async function manifestAmong(files: readonly OutputFile[]): Promise<string | null> {
  const manifest = files.find(({ name }) => name.endsWith('.manifest'));
  return manifest === undefined ? null : await readFile(manifest.path, 'utf8');
}

async function readRegularFile(filePath: string): Promise<string | null> {
  const file = await openRegularFile(filePath, constants.O_RDONLY);
  if (file === null) return null;
  try {
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Never through a link: a package's script could have put one to the node's own key where an image is expected. */
async function openRegularFile(filePath: string, flags: number): Promise<FileHandle | null> {
  let file: FileHandle;
  try {
    file = await open(filePath, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    // ENOENT: none; ELOOP: a link; ENXIO: a pipe or a socket; EISDIR: a directory.
    if (['ENOENT', 'ELOOP', 'ENXIO', 'EISDIR'].includes(String(code))) return null;
    throw error;
  }
  const entry = await file.stat();
  // With a second name the bytes could change after they were judged, or be somebody else's file.
  if (entry.isFile() && entry.nlink === 1) return file;
  await file.close();
  return null;
}

async function digestOf(file: FileHandle, lengthBytes: number): Promise<string> {
  const hash = createHash('sha256');
  if (lengthBytes > 0)
    for await (const chunk of file.createReadStream({ start: 0, end: lengthBytes - 1, autoClose: false }))
      hash.update(chunk);
  return hash.digest('hex');
}

function understood(text: string): ProfilesJson {
  try {
    return parseProfilesJson(text);
  } catch (error) {
    throw disagreement(error instanceof Error ? error.message : String(error));
  }
}

const disagreement = (what: string): BuildError =>
  new BuildError(
    'internal',
    `Error: The ImageBuilder's files do not fit together: ${what}. This is not a fault of your request`,
  );
