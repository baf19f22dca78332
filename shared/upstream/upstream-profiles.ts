/**
 * `profiles.json` of a target: which devices there are, what is installed on them, and which kernel they run. Profile ids and
 * package names of it reach a command line on a node, so what does not fit the grammar is dropped, as from any stranger.
 */
import { isPackageName, PROFILE_ID, TARGET, VERSION_CODE, WORD } from '../request/grammar.ts';
import { isJsonObject, type JsonObject, parseJsonObject } from '../text/json-object.ts';
import { printable } from '../text/printable.ts';
import type { ProfileEntry, ProfileSource } from './catalogue-document.ts';
import { isArchitecture } from './upstream-versions.ts';

export interface UpstreamProfiles {
  readonly target: string;
  readonly versionNumber: string;
  readonly versionCode: string;
  readonly archPackages: string;
  readonly defaultPackages: readonly string[];
  readonly profiles: Readonly<Record<string, ProfileEntry>>;
  /** `kmods/` subdirectory of the target's kernel; null before 23.05.6, whose modules are among the target's packages. */
  readonly kmodsDirectory: string | null;
  /** Profiles and packages that did not fit the grammar. */
  readonly dropped: number;
}

const MAX_PROFILES = 5000;
const KERNEL_PART = /^[A-Za-z0-9][A-Za-z0-9_.]{0,63}$/;

/** @throws Error when the text is not JSON or lacks what a target cannot do without */
export function parseProfilesJson(text: string): UpstreamProfiles {
  const data = parseJsonObject(text);
  const required = (field: string, matches: (value: string) => boolean): string => {
    const value = data[field];
    if (typeof value !== 'string' || value === '' || value.length > 128 || !matches(value))
      throw new Error(
        `expected "${field}" to be a word, got ${printable(JSON.stringify(value)?.slice(0, 60) ?? 'nothing')}`,
      );
    return value;
  };
  const counter = { dropped: 0 };
  const profiles = profilesOf(data);
  const entries = profiles.good.map(([id, profile]): [string, ProfileEntry] => [id, profileEntry(profile, counter)]);
  return {
    target: required('target', (value) => TARGET.test(value)),
    versionNumber: required('version_number', (value) => WORD.test(value)),
    versionCode: required('version_code', (value) => VERSION_CODE.test(value)),
    archPackages: required('arch_packages', isArchitecture),
    defaultPackages: packageWords(data.default_packages, counter),
    profiles: Object.fromEntries(entries),
    kmodsDirectory: kmodsDirectory(data.linux_kernel),
    dropped: counter.dropped + profiles.dropped,
  };
}

/** Longest metadata and longest profile, as text: some twenty times what there is. */
const MAX_METADATA_LENGTH = 256 * 1024;
const MAX_PROFILE_LENGTH = 128 * 1024;

/**
 * The same file as it is, for clients that know more of its fields than we do. Profiles whose id is none are left out.
 * @throws Error when the text is not JSON, has no profile, or one that is far too long
 */
export function parseProfileSources(text: string): {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly profiles: Readonly<Record<string, ProfileSource>>;
} {
  const data = parseJsonObject(text);
  const bounded = (value: JsonObject, maxLength: number, what: string): string => {
    const json = JSON.stringify(value);
    if (json.length > maxLength)
      throw new Error(`expected ${what} of at most ${maxLength} characters, got ${json.length}`);
    return json;
  };
  const entries = profilesOf(data).good.map(([id, profile]): [string, ProfileSource] => [
    id,
    {
      supportedDevices: texts(profile.supported_devices, 100),
      json: bounded(profile, MAX_PROFILE_LENGTH, `profile ${id}`),
    },
  ]);
  const { profiles: _, ...metadata } = data;
  bounded(metadata, MAX_METADATA_LENGTH, 'metadata');
  return { metadata, profiles: Object.fromEntries(entries) };
}

/** @throws Error when there are too many, or none that is one */
function profilesOf(data: JsonObject): {
  readonly good: readonly [id: string, profile: JsonObject][];
  readonly dropped: number;
} {
  const all = isJsonObject(data.profiles) ? Object.entries(data.profiles) : [];
  if (all.length > MAX_PROFILES) throw new Error(`expected at most ${MAX_PROFILES} profiles, got ${all.length}`);
  const good = all.filter(
    (entry): entry is [string, JsonObject] =>
      PROFILE_ID.test(entry[0]) && entry[0].length <= 128 && isJsonObject(entry[1]),
  );
  if (good.length === 0) throw new Error('expected at least one profile, got none');
  return { good, dropped: all.length - good.length };
}

function profileEntry(profile: JsonObject, counter: { dropped: number }): ProfileEntry {
  return {
    devicePackages: packageWords(profile.device_packages, counter),
    supportedDevices: texts(profile.supported_devices, 100),
    titles: (Array.isArray(profile.titles) ? profile.titles : [])
      .slice(0, 50)
      .filter(isJsonObject)
      .map((title) =>
        Object.fromEntries(
          ['vendor', 'model', 'variant', 'title'].flatMap((part) => {
            const value = title[part];
            return typeof value === 'string' ? [[part, value.slice(0, 200)]] : [];
          }),
        ),
      ),
    imagePrefix:
      typeof profile.image_prefix === 'string' && WORD.test(profile.image_prefix)
        ? profile.image_prefix.slice(0, 200)
        : '',
  };
}

/** Names, or `-name` where a device does without a default of its target. */
function packageWords(value: unknown, counter: { dropped: number }): string[] {
  const words = Array.isArray(value) ? value.slice(0, 1000) : [];
  const good = words.filter(
    (word): word is string => typeof word === 'string' && isPackageName(word.startsWith('-') ? word.slice(1) : word),
  );
  counter.dropped += words.length - good.length;
  return good;
}

const texts = (value: unknown, atMost: number): string[] =>
  (Array.isArray(value) ? value : [])
    .filter((item): item is string => typeof item === 'string' && item !== '' && item.length <= 128)
    .slice(0, atMost);

function kmodsDirectory(kernel: unknown): string | null {
  if (!isJsonObject(kernel)) return null;
  const parts = [kernel.version, kernel.release, kernel.vermagic];
  return parts.every((part): part is string => typeof part === 'string' && KERNEL_PART.test(part))
    ? parts.join('-')
    : null;
}
