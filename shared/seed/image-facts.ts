/** What the old API tells of a finished image: for its page, and for lists of images. */
import type { SeedImage } from '../api/seed-data-answers.ts';
import type { BuildRecord } from '../build/build-record.ts';
import { isSnapshot } from '../upstream/branch.ts';
import { filesPath, imageHash } from './file-path.ts';
import { manifestHash } from './hashes.ts';
import { modelName } from './model-name.ts';
import { sysupgradeImage } from './sysupgrade-image.ts';

const DAY_MS = 24 * 3_600_000;

/**
 * By the first of its names, or else its profile. A node has it from its ImageBuilder, and old pages write it into their HTML
 * as it is: without `<` nothing in it is more than text.
 */
export const deviceName = ({ device, request }: Pick<BuildRecord, 'device' | 'request'>): string =>
  modelName(device.titles[0] ?? {}).replaceAll('<', '') || request.profile;

/** What a node says that it took; no build is allowed a day. */
export const buildSeconds = (durationMs: number): number => Math.round(Math.min(durationMs, DAY_MS) / 1000);

/** Behind the slash. */
export const subtargetOf = (target: string): string => target.slice(target.indexOf('/') + 1);

/** Of a public image alone. `cacheHits`: null where they cannot be told. */
export function imageFacts(record: BuildRecord, cacheHits: number | null): SeedImage {
  const { distro, version, target, profile } = record.request;
  return {
    image_hash: imageHash(record.requestHash),
    distro,
    version,
    target,
    subtarget: subtargetOf(target),
    profile,
    model: deviceName(record),
    manifest_hash: manifestHash(record.manifest),
    defaults_hash: null,
    worker: record.nodeName ?? record.nodeId.slice(0, 12),
    build_date: new Date(record.publishedAt).toISOString(),
    build_seconds: buildSeconds(record.durationMs),
    sysupgrade: sysupgradeImage(record.images)?.name ?? null,
    snapshots: isSnapshot(version),
    cache_hits: cacheHits,
    files: filesPath(record.requestHash),
    request_hash: record.requestHash,
  };
}
