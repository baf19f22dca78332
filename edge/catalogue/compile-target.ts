/**
 * The document of one target. `sha256sums` is signed and names the digests of all else, so the chain is: key → sha256sums →
 * profiles.json → version and target. The last step matters: the signature says who, not what, and without it a mirror
 * could show last year's release, rightly signed, under this year's name.
 */
import { versionPath } from '../../shared/branch.ts';
import type { TargetDocument } from '../../shared/catalogue-document.ts';
import { mergePackages, packagesDigest, packagesRecord } from '../../shared/feed.ts';
import { findImageBuilder, parseSha256Sums, type Sha256Sums } from '../../shared/sha256sums.ts';
import { parseProfilesJson, type UpstreamProfiles } from '../../shared/upstream-profiles.ts';
import { readIndex } from './read-index.ts';
import { parsed, type ReadFile, type Reading, UpstreamTrouble } from './reading.ts';
import { signerOf, type TrustSettings, UNSIGNED } from './trust.ts';

/**
 * Null: upstream has no such target (yet).
 * @throws UpstreamTrouble
 */
export async function compileTarget(
  reading: Reading,
  wanted: { readonly version: string; readonly target: string; readonly arch: string },
  settings: TrustSettings,
  now: number,
): Promise<TargetDocument | null> {
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
  const imageBuilder = parsed(path, () => findImageBuilder(sums));

  const profilesFile = await readProfiles(reading, base, sums, signedBy);
  const profiles = parsed(`${base}/profiles.json`, () => parseProfilesJson(profilesFile.text));
  checkIdentity(`${base}/profiles.json`, profiles, wanted);
  await checkRevision(reading, base, sums, profiles.versionCode);

  const [packages, kmods] = await Promise.all([
    readIndex(reading, base, 'packages', sums),
    profiles.kmodsDirectory === null ? null : readIndex(reading, base, `kmods/${profiles.kmodsDirectory}`, sums),
  ]);
  if (!packages) throw new UpstreamTrouble(`${base}/packages: has neither index.json nor Packages`);
  // Without kmods of their own (23.05.0 to .5), kernel modules are among the packages.
  const merged = parsed(base, () => mergePackages(kmods ? [packages, kmods] : [packages]));

  return {
    kind: 'target',
    version,
    target,
    versionCode: profiles.versionCode,
    archPackages: profiles.archPackages,
    defaultPackages: profiles.defaultPackages,
    profiles: profiles.profiles,
    imageBuilder: { path: `${base}/${imageBuilder.file}`, sha256: imageBuilder.sha256 },
    packages: packagesRecord(merged),
    packagesDigest: await packagesDigest(merged),
    signedBy,
    fetchedAt: now,
    checkedAt: now,
  };
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

function checkIdentity(
  path: string,
  profiles: UpstreamProfiles,
  wanted: { readonly version: string; readonly target: string; readonly arch: string },
): void {
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
      `${base}: version.buildinfo says ${JSON.stringify(revision.slice(0, 40))}, profiles.json ${versionCode}; half-published?`,
    );
}
