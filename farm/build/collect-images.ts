/**
 * What a build made, judged and made ready to be served. An ImageBuilder that exits with 0 may have made nothing, or half of
 * it; so a build counts when profiles.json says what was ordered and every file that it names is there with its digest.
 * Afterwards BIN_DIR holds the unsigned bytes, and profiles.json and sha256sums that agree with them.
 */
import { rm } from 'node:fs/promises';
import { BUILD_ERRORS, BuildError } from '../../shared/build/build-error.ts';
import { OUTPUT_FILE } from '../../shared/request/grammar.ts';
import { type ProfilesJson, type ProfilesJsonImage, parseProfilesJson } from '../../shared/upstream/profiles-json.ts';
import type { BuildOutput, OutputFile } from '../agent/build-event.ts';
import { digestOf, disagreement, openOutput, outputPath, readOutput, writeOutput } from './output-directory.ts';
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
const MANIFEST = /\.manifest$/;

/** An ImageBuilder writes some KB; a whole target with 350 profiles has 0.5 MB. */
const MAX_JSON_BYTES = 1024 * 1024;
const MAX_MANIFEST_BYTES = 1024 * 1024;
/** The PC with the most kinds of images has some twenty files. */
export const MAX_FILES = 256;
/** As far as any process of a build may write; see run-make.ts. */
const MAX_FILE_BYTES = 8 * 1024 ** 3;
const MAX_TOTAL_BYTES = 2 * MAX_FILE_BYTES;

/**
 * @throws BuildError `upstream_unavailable` when it is not what was ordered, `no_sysupgrade` when there is no image with
 * the wanted file system, `internal` when files and digests disagree or are more than a build makes; the signal's reason
 */
export async function collectImages(
  binDirectory: string,
  ordered: Ordered,
  signal?: AbortSignal,
): Promise<CollectResult> {
  const text = await readOutput(binDirectory, PROFILES_JSON, MAX_JSON_BYTES);
  if (text === null) return null;
  const made = understood(text);
  const profile = orderedProfile(made, ordered);
  if (profile === null || profile.images.length === 0) return null;
  const kept = profile.images.filter((image) => isWanted(image, ordered.filesystem));
  const unwanted = profile.images.filter((image) => !isWanted(image, ordered.filesystem));
  const dropped = new Set(unwanted.map((image) => image.name));
  if (!kept.some((image) => ordered.filesystem === '' || image.filesystem === ordered.filesystem))
    throw new BuildError(
      'no_sysupgrade',
      `${BUILD_ERRORS.no_sysupgrade.text} with file system ${ordered.filesystem}; it has ${filesystemsOf(profile.images)}`,
    );

  const budget = new Budget();
  const images: StrippedImage[] = [];
  for (const image of kept) images.push(await stripImage(binDirectory, image, budget, signal));
  const others = await otherFiles(
    binDirectory,
    new Set([...images.map(({ name }) => name), ...dropped]),
    budget,
    signal,
  );
  for (const name of dropped) await rm(outputPath(binDirectory, name), { force: true, recursive: true });

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
    imageManifest: await manifestAmong(binDirectory, others),
  };
}

/** Bytes that may still be hashed: a sparse file costs whoever makes it nothing, and us minutes. */
class Budget {
  #leftBytes = MAX_TOTAL_BYTES;

  spend(name: string, sizeBytes: number): void {
    this.#leftBytes -= sizeBytes;
    if (sizeBytes > MAX_FILE_BYTES || this.#leftBytes < 0)
      throw disagreement(`${name} has ${sizeBytes} bytes, more than a build may make`);
  }
}

type MadeProfile = ProfilesJson['profiles'][string];

/**
 * Null: nothing was made for any profile.
 * Another profile than the ordered one is no failure to make an image: it is another build's, and nobody's who asked.
 */
function orderedProfile(made: ProfilesJson, ordered: Ordered): MadeProfile | null {
  if (made.target !== ordered.target || made.version_code !== ordered.revision)
    throw new BuildError(
      'upstream_unavailable',
      `Error: Expected an image of ${ordered.target} at ${ordered.revision}, the ImageBuilder made one of ${cut(made.target)} at ${cut(made.version_code)}. This is not a fault of your request`,
    );
  const profiles = Object.entries(made.profiles);
  const stranger = profiles.find(([id]) => id !== ordered.profile);
  if (stranger) throw disagreement(`expected images of ${ordered.profile} alone, got some of ${cut(stranger[0])}`);
  const profile = profiles[0]?.[1] ?? null;
  const names = profile?.images.map(({ name }) => name) ?? [];
  if (names.length > MAX_FILES) throw disagreement(`expected at most ${MAX_FILES} images, got ${names.length}`);
  if (new Set(names).size < names.length) throw disagreement('two images have one name');
  const taken = names.find((name) => name === PROFILES_JSON || name === SHA256SUMS || MANIFEST.test(name));
  if (taken !== undefined) throw disagreement(`${taken} cannot be an image`);
  return profile;
}

const isWanted = (image: ProfilesJsonImage, filesystem: string): boolean =>
  filesystem === '' || image.filesystem === undefined || image.filesystem === filesystem;

const filesystemsOf = (images: readonly ProfilesJsonImage[]): string =>
  cut([...new Set(images.flatMap((image) => image.filesystem ?? []))].sort().join(', ')) || 'none';

const cut = (text: string): string => text.slice(0, 200);

interface StrippedImage {
  readonly name: string;
  readonly type: string;
  readonly filesystem: string;
  readonly file: OutputFile;
}

async function stripImage(
  binDirectory: string,
  image: ProfilesJsonImage,
  budget: Budget,
  signal?: AbortSignal,
): Promise<StrippedImage> {
  const opened = await openOutput(binDirectory, image.name, 'write');
  if (opened === null) throw disagreement(`${image.name} is named in profiles.json and not there`);
  const { file, sizeBytes } = opened;
  try {
    budget.spend(image.name, sizeBytes);
    if (image.size !== undefined && image.size !== sizeBytes)
      throw disagreement(`expected ${image.name} with ${image.size} bytes, got ${sizeBytes}`);
    const asMade = await digestOf(file, sizeBytes, signal);
    if (asMade !== image.sha256)
      throw disagreement(`expected ${image.name} with sha256 ${image.sha256}, got ${asMade}`);
    const sha256 = image.sha256_unsigned ?? image.sha256;
    const lengthBytes = sha256 === asMade ? sizeBytes : await unsignedLength(file);
    if (sha256 !== asMade) {
      const unsigned = await digestOf(file, lengthBytes, signal);
      if (unsigned !== sha256)
        throw disagreement(`expected ${image.name} without its signature to have sha256 ${sha256}, got ${unsigned}`);
      await file.truncate(lengthBytes);
    }
    return {
      name: image.name,
      type: image.type,
      filesystem: image.filesystem ?? '',
      file: { name: image.name, path: outputPath(binDirectory, image.name), sizeBytes: lengthBytes, sha256 },
    };
  } finally {
    await file.close();
  }
}

/** What sha256sums lists beside the images: manifest, kernel, root file system, bill of materials. */
async function otherFiles(
  binDirectory: string,
  except: ReadonlySet<string>,
  budget: Budget,
  signal?: AbortSignal,
): Promise<OutputFile[]> {
  const sums = (await readOutput(binDirectory, SHA256SUMS, MAX_JSON_BYTES)) ?? '';
  const listed = new Map<string, string>();
  for (const line of sums.split('\n')) {
    const [, sha256 = '', name = ''] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    // A name that could not be served is not: files below directories, names of two lines.
    if (!OUTPUT_FILE.test(name) || except.has(name) || name === PROFILES_JSON || name === SHA256SUMS) continue;
    if (listed.has(name)) throw disagreement(`sha256sums names ${name} twice`);
    listed.set(name, sha256);
    if (listed.size > MAX_FILES) throw disagreement(`expected sha256sums to name at most ${MAX_FILES} files, got more`);
  }
  const files: OutputFile[] = [];
  for (const [name, sha256] of listed) {
    const opened = await openOutput(binDirectory, name, 'read');
    if (opened === null) throw disagreement(`${name} is named in sha256sums and not there`);
    try {
      budget.spend(name, opened.sizeBytes);
      const got = await digestOf(opened.file, opened.sizeBytes, signal);
      if (got !== sha256) throw disagreement(`expected ${name} with sha256 ${sha256}, got ${got}`);
      files.push({ name, path: outputPath(binDirectory, name), sizeBytes: opened.sizeBytes, sha256 });
    } finally {
      await opened.file.close();
    }
  }
  return files;
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

async function manifestAmong(binDirectory: string, files: readonly OutputFile[]): Promise<string | null> {
  const [manifest, another] = files.filter(({ name }) => MANIFEST.test(name));
  if (manifest === undefined) return null;
  if (another) throw disagreement(`${manifest.name} and ${another.name} are both the list of packages`);
  return await readOutput(binDirectory, manifest.name, MAX_MANIFEST_BYTES);
}

function understood(text: string): ProfilesJson {
  try {
    return parseProfilesJson(text);
  } catch (error) {
    throw disagreement(cut(error instanceof Error ? error.message : String(error)));
  }
}
