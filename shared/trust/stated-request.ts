/**
 * A request as statements tell it to everybody: the normalised one, and of a first-boot script only that there was one. Its text
 * may hold passwords, and even its MAC is a fingerprint of them.
 */
import { z } from 'zod';
import { isPrivate, type NormalizedRequest } from '../request/normalize-request.ts';

const word = z.string().max(1024);
const words = z.array(word).max(4_000);

export const statedRequestSchema = z.strictObject({
  distro: word,
  version: word,
  target: word,
  profile: word,
  addPackages: words,
  removePackages: words,
  rootfsSizeMb: z.int().nullable(),
  filesystem: word.nullable(),
  /** As `name url`. */
  repositories: words,
  repositoriesMode: z.enum(['append', 'replace']),
  repositoryKeys: words,
  firstBootScript: z.boolean(),
});

export interface StatedRequest extends Omit<NormalizedRequest, 'defaultsMac'> {
  readonly firstBootScript: boolean;
}

/** Member by member: whatever a request may get later is not told by accident. */
export const statedRequest = (request: NormalizedRequest): StatedRequest => ({
  distro: request.distro,
  version: request.version,
  target: request.target,
  profile: request.profile,
  addPackages: request.addPackages,
  removePackages: request.removePackages,
  rootfsSizeMb: request.rootfsSizeMb,
  filesystem: request.filesystem,
  repositories: request.repositories,
  repositoriesMode: request.repositoriesMode,
  repositoryKeys: request.repositoryKeys,
  firstBootScript: isPrivate(request),
});
