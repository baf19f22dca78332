/** What of an image that many asked for is kept to build its successor: the wish, and over which packages it was folded. */
import type { BuildRecord } from '../build/build-record.ts';
import type { NormalizedRequest } from '../request/normalize-request.ts';

export interface WantedImage
  extends Pick<
    NormalizedRequest,
    'distro' | 'version' | 'target' | 'profile' | 'addPackages' | 'removePackages' | 'rootfsSizeMb' | 'filesystem'
  > {
  /** What upstream installed on the device in that version. */
  readonly defaults: readonly string[];
}

/** Null for what is nobody else's business: an image with `defaults`, or with packages from a feed that is not upstream's. */
export function wantedImage(record: Pick<BuildRecord, 'private' | 'request' | 'device'>): WantedImage | null {
  const { request, device } = record;
  if (record.private || request.repositories.length > 0) return null;
  const words = new Set([...device.defaultPackages, ...device.devicePackages]);
  const { distro, version, target, profile, addPackages, removePackages, rootfsSizeMb, filesystem } = request;
  return {
    ...{ distro, version, target, profile, addPackages, removePackages, rootfsSizeMb, filesystem },
    defaults: [...words].filter((word) => !word.startsWith('-') && !words.has(`-${word}`)).sort(),
  };
}
