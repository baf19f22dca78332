/**
 * The document of a target's devices as upstream describes them, images and all, for the clients that read `profile.json`.
 * Of its own and not in the target's document, which every build request reads.
 */
import type { ProfilesDocument } from '../../shared/upstream/catalogue-document.ts';
import { parseProfileSources } from '../../shared/upstream/upstream-profiles.ts';
import { readTarget, type WantedTarget } from './read-target.ts';
import { parsed, type Reading } from './reading.ts';
import type { TrustSettings } from './trust.ts';

/**
 * Null: upstream has no such target (yet).
 * @throws UpstreamTrouble
 */
export async function compileProfiles(
  reading: Reading,
  wanted: WantedTarget,
  settings: TrustSettings,
  now: number,
): Promise<ProfilesDocument | null> {
  const verified = await readTarget(reading, wanted, settings);
  if (!verified) return null;
  const sources = parsed(`${verified.base}/profiles.json`, () => parseProfileSources(verified.profilesText));
  return {
    kind: 'profiles',
    version: wanted.version,
    target: wanted.target,
    ...sources,
    signedBy: verified.signedBy,
    fetchedAt: now,
    checkedAt: now,
  };
}
