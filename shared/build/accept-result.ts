/**
 * Does a node's result belong to the order it was given? Everything a node sends is a claim: names, digests and the
 * ImageBuilder's own description must agree with each other, with the order and with what was uploaded. What does not is
 * the node's fault, never the user's.
 */
import { z } from 'zod';
import type { BuildSucceeded } from '../gen/asu/farm/v1/build_pb.js';
import { isPackageName, OUTPUT_FILE, PACKAGE_VERSION } from '../request/grammar.ts';
import type { NormalizedRequest } from '../request/normalize-request.ts';
import { isJsonObject } from '../text/json-object.ts';
import { printable, quoted } from '../text/printable.ts';
import type { Circumstances, DeviceFacts, Pins, RecordedImage, StoredFile } from './build-record.ts';

/** A full x86 image has some 500 packages. */
const MAX_MANIFEST = 3_000;
/** Clients keep an image's URL, our origin and two directories in it, in 256 bytes. */
const MAX_IMAGE_NAME = 140;
const MAX_COMMAND_CHARACTERS = 65_536;
const MAX_TOLD_CHARACTERS = 256;
/** End of the year 9999 in seconds: what lies behind it is no date that a client could read. */
const MAX_EPOCH_SECONDS = 253_402_300_799;

export interface AcceptedResult {
  readonly files: readonly StoredFile[];
  readonly images: readonly RecordedImage[];
  readonly manifest: Readonly<Record<string, string>>;
  readonly device: DeviceFacts;
  readonly buildCommand: readonly string[];
  readonly circumstances: Circumstances;
  readonly durationMs: number;
}

export type ResultCheck = { readonly ok: true; readonly result: AcceptedResult } | RefusedResult;

export interface RefusedResult {
  readonly ok: false;
  readonly reason: string;
  /** It says of its files what is known to be otherwise, which no honest node of any version would. */
  readonly isLie: boolean;
  /** The file of which that is known only as far as each upload was noted: the store has the last word. */
  readonly missing?: string;
}

const words = z.array(z.string().max(512)).max(2000);
/** Real ones have at most four of a title (vendor, model, variant, title) and three of a kernel (version, release, vermagic). */
const MAX_FACTS = 16;
const facts = (maxCharacters: number) =>
  z.preprocess(
    (found, context) => {
      // Before they are looked at: each of half a million that are wrong would be an issue.
      if (isJsonObject(found) && Object.keys(found).length > MAX_FACTS)
        context.addIssue({ code: 'custom', message: `expected at most ${MAX_FACTS} members` });
      return found;
    },
    z.record(z.string().max(64, 'expected a name of at most 64 characters'), z.string().max(maxCharacters)),
  );
const titles = z.array(facts(256)).max(32);

const profilesJson = z.object({
  target: z.string(),
  version_code: z.string(),
  version_number: z.string().max(64),
  source_date_epoch: z.int().min(0).max(MAX_EPOCH_SECONDS).default(0),
  arch_packages: z.string().max(128),
  default_packages: words.default([]),
  linux_kernel: facts(128).nullish(),
  profiles: z.record(
    z.string(),
    z.object({
      image_prefix: z.string().max(256).default(''),
      device_packages: words.default([]),
      supported_devices: words.default([]),
      titles: titles.default([]),
    }),
  ),
});

/** `uploaded`: the files whose every byte the store holds, with the digests that were verified there. */
export function acceptResult(
  claim: BuildSucceeded,
  order: { readonly request: NormalizedRequest; readonly pins: Pins },
  uploaded: readonly StoredFile[],
): ResultCheck {
  const no = (reason: string): RefusedResult => ({ ok: false, reason, isLie: false });
  const lie = (reason: string): RefusedResult => ({ ok: false, reason, isLie: true });
  const stored = new Map(uploaded.map((file) => [file.name, file]));
  const files: StoredFile[] = [];
  for (const file of claim.files) {
    const there = stored.get(file.name);
    if (!OUTPUT_FILE.test(file.name)) return no(`file name ${quoted(file.name)} is outside the grammar`);
    if (!there) return { ...lie(`${file.name} was not uploaded`), missing: file.name };
    if (files.includes(there)) return no(`${file.name} is named twice`);
    if (there.sha256 !== file.sha256 || there.sizeBytes !== Number(file.sizeBytes))
      return lie(`${file.name} was uploaded with another size or digest`);
    files.push(there);
  }
  if (claim.images.length === 0) return no('there is no image');
  const images: RecordedImage[] = [];
  for (const image of claim.images) {
    const there = files.find((file) => file.name === image.name);
    if (!there || there.sha256 !== image.sha256) return no(`image ${quoted(image.name)} is not among the files`);
    if (image.name.length > MAX_IMAGE_NAME)
      return no(`image name ${image.name}: expected at most ${MAX_IMAGE_NAME} characters, got ${image.name.length}`);
    if (images.some((known) => known.name === image.name)) return no(`image ${image.name} is named twice`);
    images.push({ ...there, type: told(image.type, 64), filesystem: told(image.filesystem, 64) });
  }
  const manifest = new Map<string, string>();
  if (claim.manifest.length === 0 || claim.manifest.length > MAX_MANIFEST)
    return no('the manifest is empty or too long');
  for (const { name, version } of claim.manifest) {
    if (!isPackageName(name) || !PACKAGE_VERSION.test(version))
      return no('the manifest holds a name or version outside the grammar');
    if (manifest.has(name)) return no(`the manifest names ${name} twice`);
    manifest.set(name, version);
  }
  const described = describe(claim.profilesJson, order);
  if (typeof described === 'string') return no(described);
  return {
    ok: true,
    result: {
      files,
      images,
      manifest: Object.fromEntries(manifest),
      device: described,
      buildCommand: cut(claim.buildCommand.slice(0, 64), MAX_COMMAND_CHARACTERS),
      circumstances: {
        sandbox: told(claim.circumstances?.sandbox),
        imageBuilderSignedBy: told(claim.circumstances?.imageBuilderSignedBy),
      },
      durationMs: Number(claim.durationMs),
    },
  };
}

/** A node's own words: printable, and not many. Empty where an older node says nothing. */
const told = (text = '', maxCharacters = MAX_TOLD_CHARACTERS): string =>
  text.slice(0, maxCharacters).replace(/[^\x20-\x7e]/g, '?');

/** The words up to so many characters in all. */
function cut(words: readonly string[], characters: number): string[] {
  let left = characters;
  const kept: string[] = [];
  for (const word of words) {
    if (left === 0) break;
    const piece = word.slice(0, left);
    kept.push(piece);
    left -= piece.length;
  }
  return kept;
}

/** Of a key that does not fit, what is wrong with it, which zod keeps below. */
const reasonOf = (issue: z.core.$ZodIssue | undefined): string =>
  (issue?.code === 'invalid_key' && issue.issues[0]?.message) || (issue?.message ?? 'unexpected');

/** Of the profiles the one that was ordered: of the others, of which there may be a hundred thousand, nothing is read. */
function withOnly(profile: string, json: unknown): unknown {
  if (!isJsonObject(json) || !isJsonObject(json.profiles)) return json;
  const { profiles } = json;
  return { ...json, profiles: Object.hasOwn(profiles, profile) ? { [profile]: profiles[profile] } : {} };
}

/** The device's facts, or what is wrong with profiles.json. */
function describe(
  text: string,
  order: { readonly request: NormalizedRequest; readonly pins: Pins },
): DeviceFacts | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'profiles.json is not JSON';
  }
  const parsed = profilesJson.safeParse(withOnly(order.request.profile, json));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `profiles.json: ${printable(issue?.path.join('.') ?? '', MAX_TOLD_CHARACTERS)}: ${reasonOf(issue)}`;
  }
  const { data } = parsed;
  const profile = Object.hasOwn(data.profiles, order.request.profile)
    ? data.profiles[order.request.profile]
    : undefined;
  if (data.target !== order.request.target) return `profiles.json is of target ${printable(data.target, 64)}`;
  if (data.version_code !== order.pins.revision)
    return `profiles.json is of revision ${printable(data.version_code, 64)}`;
  if (!profile) return `profiles.json has no profile ${order.request.profile}`;
  return {
    versionNumber: data.version_number,
    versionCode: data.version_code,
    sourceDateEpoch: data.source_date_epoch,
    archPackages: data.arch_packages,
    defaultPackages: data.default_packages,
    devicePackages: profile.device_packages,
    supportedDevices: profile.supported_devices,
    titles: profile.titles,
    imagePrefix: profile.image_prefix,
    linuxKernel: data.linux_kernel ?? null,
  };
}
