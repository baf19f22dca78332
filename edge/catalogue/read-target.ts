/**
 * A target's directory as far as it can be believed. `sha256sums` is signed and names the digests of all else, so the chain
 * is: key → sha256sums → profiles.json → version and target. The last step matters: the signature says who, not what, and
 * without it a mirror could show last year's release, rightly signed, under this year's name.
 */
import { quoted } from '../../shared/text/printable.ts';
import { versionPath } from '../../shared/upstream/branch.ts';
import { parseSha256Sums, type Sha256Sums } from '../../shared/upstream/sha256sums.ts';
import { parseProfilesJson, type UpstreamProfiles } from '../../shared/upstream/upstream-profiles.ts';
import { UNSIGNED } from '../../shared/upstream/upstream-signature.ts';
import { parsed, type ReadFile, type Reading, UpstreamTrouble } from './reading.ts';
import { signerOf, type TrustSettings } from './trust.ts';

export interface WantedTarget {
  readonly version: string;
  readonly target: string;
  readonly arch: string;
}

export interface VerifiedTarget {
  /** Its directory below the mirror. */
  readonly base: string;
  readonly sums: Sha256Sums;
  /** Key id, or `unsigned`. */
  readonly signedBy: string;
  readonly profiles: UpstreamProfiles;
  /** Text of `profiles.json`. */
  readonly profilesText: string;
}

/**
 * Null: upstream has no such target (yet).
 * @throws UpstreamTrouble
 */
export async function readTarget(
  reading: Reading,
  wanted: WantedTarget,
  settings: TrustSettings,
): Promise<VerifiedTarget | null> {
  const { version, target } = wanted;
  const base = `${versionPath(version)}/targets/${target}`;
  const [sumsFile, signature] = await Promise.all([
    reading.read(`${base}/sha256sums`),
    reading.read(`${base}/sha256sums.sig`),
  ]);
  if (!sumsFile) return null;
  const path = `${base}/sha256sums`;
  const signedBy = await signerOf(
    { version, path, message: sumsFile.bytes, signature: signature?.text ?? null },
    settings,
  );
  const sums = parsed(path, () => parseSha256Sums(sumsFile.text));
  const { text: profilesText } = await readProfiles(reading, base, sums, signedBy);
  const profiles = parsed(`${base}/profiles.json`, () => parseProfilesJson(profilesText));
  checkIdentity(`${base}/profiles.json`, profiles, wanted);
  await checkRevision(reading, base, sums, profiles.versionCode);
  return { base, sums, signedBy, profiles, profilesText };
}

async function readProfiles(reading: Reading, base: string, sums: Sha256Sums, signedBy: string): Promise<ReadFile> {
  const path = `${base}/profiles.json`;
  const sha256 = sums.get('profiles.json');
  if (sha256 !== undefined) return reading.readVouched(path, sha256);
  // What is signed must say which version it is.
  if (signedBy !== UNSIGNED) throw new UpstreamTrouble(`${path}: is not listed in the signed sha256sums`);
  const file = await reading.read(path);
  if (!file) throw new UpstreamTrouble(`${path}: is not there; half-published?`);
  return file;
}

function checkIdentity(path: string, profiles: UpstreamProfiles, wanted: WantedTarget): void {
  const facts = [
    ['target', wanted.target, profiles.target],
    ['version_number', wanted.version, profiles.versionNumber],
    ['arch_packages', wanted.arch, profiles.archPackages],
  ] as const;
  for (const [field, expected, got] of facts)
    if (expected !== got) throw new UpstreamTrouble(`${path}: expected ${field} ${expected}, got ${got}`);
}

/** A second witness of the revision, which clients are checked against. */
async function checkRevision(reading: Reading, base: string, sums: Sha256Sums, versionCode: string): Promise<void> {
  const sha256 = sums.get('version.buildinfo');
  if (sha256 === undefined) return;
  const revision = (await reading.readVouched(`${base}/version.buildinfo`, sha256)).text.trim();
  if (revision !== versionCode)
    throw new UpstreamTrouble(
      `${base}: version.buildinfo says ${quoted(revision)}, profiles.json ${versionCode}; half-published?`,
    );
}
